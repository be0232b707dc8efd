// Data that is requested again and again while it is shown. An error is reported and polling goes on,
// so that a service that comes back is shown without a reload.

import { ref, shallowRef, type Ref, type ShallowRef } from "vue";

import { RETRY_DELAYS_MS, wait } from "../api/retry";
import { adminErrorMessage, isAdminOff, isWrongToken } from "./errors";

export interface Poll<T> {
  /** The latest data; kept while requests fail. */
  value: Readonly<ShallowRef<T | null>>;
  /** Why the latest request failed; empty if it succeeded. */
  trouble: Readonly<Ref<string>>;
  /** Request now, and wait for the response. */
  refresh: () => Promise<void>;
  stop: () => void;
}

export interface PollOptions<T> {
  everyMs: (value: T) => number;
  /** Called when the token is rejected or the admin API is off; polling has then stopped. */
  onRefused: (error: unknown) => void;
}

export function poll<T>(
  request: (signal: AbortSignal) => Promise<T>,
  { everyMs, onRefused }: PollOptions<T>,
): Poll<T> {
  const value = shallowRef<T | null>(null);
  const trouble = ref("");
  const controller = new AbortController();
  let pause = new AbortController();
  let refreshes: (() => void)[] = []; // resolve the refreshes that the next request serves

  async function requestOnce(failures: number): Promise<number> {
    try {
      value.value = await request(controller.signal);
      trouble.value = "";
      return 0;
    } catch (error) {
      if (controller.signal.aborted) return failures;
      if (isWrongToken(error) || isAdminOff(error)) {
        stop();
        onRefused(error);
      } else {
        trouble.value = adminErrorMessage(error);
      }
      return failures + 1;
    }
  }

  async function run(): Promise<void> {
    for (let failures = 0; !controller.signal.aborted;) {
      pause = new AbortController();
      const served = refreshes;
      refreshes = [];
      failures = await requestOnce(failures);
      for (const resolve of served) resolve();
      const delay =
        failures === 0 && value.value !== null
          ? everyMs(value.value)
          : (RETRY_DELAYS_MS[Math.min(failures - 1, RETRY_DELAYS_MS.length - 1)] ?? 0);
      await waitUntilVisible(delay);
    }
    for (const resolve of refreshes) resolve();
  }

  /** Wait for a delay, and longer while the page is hidden. */
  async function waitUntilVisible(ms: number): Promise<void> {
    const either = AbortSignal.any([controller.signal, pause.signal]);
    await wait(ms, either).catch(() => undefined);
    while (document.hidden && !either.aborted) {
      await wait(ms, either).catch(() => undefined);
    }
  }

  function onVisibilityChange(): void {
    if (!document.hidden) pause.abort();
  }

  function stop(): void {
    document.removeEventListener("visibilitychange", onVisibilityChange);
    controller.abort();
  }

  document.addEventListener("visibilitychange", onVisibilityChange);
  void run();
  return {
    value,
    trouble,
    refresh: () =>
      new Promise((resolve) => {
        if (controller.signal.aborted) return resolve();
        refreshes.push(resolve);
        pause.abort();
      }),
    stop,
  };
}

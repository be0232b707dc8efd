// Something that is read again and again while it is looked at. A reading that fails is told, and
// the next ones go on: what comes back is shown by itself.

import { ref, shallowRef, type Ref, type ShallowRef } from "vue";

import { RETRY_MS, wait } from "../api/persist";
import { isOff, isWrongToken, reasonFor } from "./faults";

export interface Polled<T> {
  /** The newest answer; kept while readings fail. */
  value: Readonly<ShallowRef<T | null>>;
  /** Why the newest reading failed; empty when it did not. */
  trouble: Readonly<Ref<string>>;
  /** Read now, and wait for what that brings. */
  refresh: () => Promise<void>;
  end: () => void;
}

export interface Polling<T> {
  everyMs: (value: T) => number;
  /** The token is not accepted, or there is no admin API: there is no use in going on. */
  onRefused: (error: unknown) => void;
}

export function poll<T>(
  read: (signal: AbortSignal) => Promise<T>,
  { everyMs, onRefused }: Polling<T>,
): Polled<T> {
  const value = shallowRef<T | null>(null);
  const trouble = ref("");
  const stop = new AbortController();
  let nap = new AbortController();
  let waiting: (() => void)[] = [];

  async function readOnce(failures: number): Promise<number> {
    try {
      value.value = await read(stop.signal);
      trouble.value = "";
      return 0;
    } catch (error) {
      if (stop.signal.aborted) return failures;
      if (isWrongToken(error) || isOff(error)) {
        end();
        onRefused(error);
      } else {
        trouble.value = reasonFor(error);
      }
      return failures + 1;
    }
  }

  async function go(): Promise<void> {
    for (let failures = 0; !stop.signal.aborted;) {
      nap = new AbortController();
      const served = waiting;
      waiting = [];
      failures = await readOnce(failures);
      for (const done of served) done();
      const pause =
        failures === 0 && value.value !== null
          ? everyMs(value.value)
          : (RETRY_MS[Math.min(failures - 1, RETRY_MS.length - 1)] ?? 0);
      await rest(pause);
    }
    for (const done of waiting) done();
  }

  /** Wait; until somebody looks, if nobody does. */
  async function rest(ms: number): Promise<void> {
    const either = AbortSignal.any([stop.signal, nap.signal]);
    await wait(ms, either).catch(() => undefined);
    while (document.hidden && !either.aborted) {
      await wait(ms, either).catch(() => undefined);
    }
  }

  function wake(): void {
    if (!document.hidden) nap.abort();
  }

  function end(): void {
    document.removeEventListener("visibilitychange", wake);
    stop.abort();
  }

  document.addEventListener("visibilitychange", wake);
  void go();
  return {
    value,
    trouble,
    refresh: () =>
      new Promise((resolve) => {
        if (stop.signal.aborted) return resolve();
        waiting.push(resolve);
        nap.abort();
      }),
    end,
  };
}

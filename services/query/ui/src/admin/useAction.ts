// An action that an operator starts: performed once, repeated while the service cannot be reached,
// and reported when it has succeeded or failed.

import { ref, shallowRef } from "vue";

import { wait } from "../api/retry";
import type { Notice } from "../search/useSearch";
import { adminErrorMessage, isTransient } from "./errors";

const RETRY_FOR_MS = 15_000;
const RETRY_DELAY_MS = 1000;

/** One action at a time. Its request must be safe to repeat, as a response can get lost. */
export function useAction(retryForMs = RETRY_FOR_MS) {
  const busy = ref(false);
  const notice = shallowRef<Notice>({ kind: "", text: "" });
  const controller = new AbortController();

  /**
   * Perform an action and show its message, or the reason for its failure.
   *
   * @param act Sends the request; returns the message to show.
   * @returns Whether the action succeeded.
   */
  async function perform(act: (signal: AbortSignal) => Promise<string>): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    notice.value = { kind: "", text: "" };
    const deadline = Date.now() + retryForMs;
    try {
      notice.value = { kind: "", text: await repeat(act, deadline) };
      return true;
    } catch (error) {
      if (controller.signal.aborted) return false;
      notice.value = { kind: "trouble", text: `${adminErrorMessage(error)}${advice(error)}` };
      return false;
    } finally {
      busy.value = false;
    }
  }

  async function repeat(act: (signal: AbortSignal) => Promise<string>, deadline: number) {
    const { signal } = controller;
    for (;;) {
      try {
        return await act(signal);
      } catch (error) {
        const late = Date.now() + RETRY_DELAY_MS > deadline;
        if (signal.aborted || !isTransient(error) || late) throw error;
        notice.value = { kind: "waiting", text: `${adminErrorMessage(error)} Retrying…` };
        await wait(RETRY_DELAY_MS, signal);
      }
    }
  }

  return {
    busy,
    notice,
    perform,
    notify: (text: string) => {
      notice.value = { kind: "", text };
    },
    dispose: () => controller.abort(),
  };
}

function advice(error: unknown): string {
  return isTransient(error) ? " Several attempts failed: check the service, then try again." : "";
}

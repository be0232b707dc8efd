// Something that an operator has asked for: done once, told when it is done or why it is not.

import { ref, shallowRef } from "vue";

import { wait } from "../api/persist";
import type { Notice } from "../search/useSearch";
import { passes, reasonFor } from "./faults";

export const PATIENCE_MS = 15_000;
const PAUSE_MS = 1000;

export type Deeds = ReturnType<typeof useDeeds>;

/** One deed at a time. What is asked for has to be safe to repeat: it is, when nobody answers. */
export function useDeeds(patienceMs = PATIENCE_MS) {
  const busy = ref(false);
  const notice = shallowRef<Notice>({ kind: "", text: "" });
  const stop = new AbortController();

  /**
   * Do it; what it returns is told. False when it could not be done: then the reason is told.
   *
   * @param act Does it; is repeated for a while when the service cannot be reached.
   */
  async function perform(act: (signal: AbortSignal) => Promise<string>): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    notice.value = { kind: "", text: "" };
    const until = Date.now() + patienceMs;
    try {
      notice.value = { kind: "", text: await insist(act, until) };
      return true;
    } catch (error) {
      if (stop.signal.aborted) return false;
      notice.value = { kind: "trouble", text: `${reasonFor(error)}${hint(error)}` };
      return false;
    } finally {
      busy.value = false;
    }
  }

  async function insist(act: (signal: AbortSignal) => Promise<string>, until: number) {
    for (;;) {
      try {
        return await act(stop.signal);
      } catch (error) {
        if (stop.signal.aborted || !passes(error) || Date.now() + PAUSE_MS > until) throw error;
        notice.value = { kind: "waiting", text: `${reasonFor(error)} Trying again.` };
        await wait(PAUSE_MS, stop.signal);
      }
    }
  }

  return {
    busy,
    notice,
    perform,
    say: (text: string) => {
      notice.value = { kind: "", text };
    },
    end: () => stop.abort(),
  };
}

function hint(error: unknown): string {
  return passes(error) ? " It was tried for a while; please look, and try again." : "";
}

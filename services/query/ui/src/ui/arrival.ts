// How the user arrived at the current address: whether by going back or forward, and when the view
// has loaded, so that the page can be scrolled to its former position.

import type { InjectionKey } from "vue";
import type { RouterHistory } from "vue-router";

const MAX_WAIT_MS = 4000;

export type Arrival = ReturnType<typeof createArrival>;

export const arrivalKey: InjectionKey<Arrival> = Symbol("arrival");

export function createArrival(history: RouterHistory) {
  let popped = false;
  let loading: Promise<unknown> = Promise.resolve();
  history.listen((_to, _from, { type }) => {
    popped = type === "pop";
  });

  return {
    /** Whether the latest navigation went back or forward; resets the flag for the next one. */
    takePopped(): boolean {
      const value = popped;
      popped = false;
      return value;
    },
    /** The view has loaded when this promise settles, whether it resolves or rejects. */
    waitFor(promise: Promise<unknown>): void {
      loading = promise.catch(() => undefined);
    },
    /** Wait until the view has loaded, up to a limit. */
    async ready(): Promise<void> {
      await Promise.race([loading, new Promise((resolve) => setTimeout(resolve, MAX_WAIT_MS))]);
    },
  };
}

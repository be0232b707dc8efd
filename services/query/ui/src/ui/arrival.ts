// How one came to where one is: by going back or forward, and when the view is whole again, so that
// the page can be scrolled to where it was.

import type { InjectionKey } from "vue";
import type { RouterHistory } from "vue-router";

const PATIENCE_MS = 4000;

export type Arrival = ReturnType<typeof createArrival>;

export const arrivalKey: InjectionKey<Arrival> = Symbol("arrival");

export function createArrival(history: RouterHistory) {
  let popped = false;
  let settled: Promise<unknown> = Promise.resolve();
  history.listen((_to, _from, { type }) => {
    popped = type === "pop";
  });

  return {
    /** Whether it was by back or forward; asked once, as the next may not be. */
    takePopped(): boolean {
      const was = popped;
      popped = false;
      return was;
    },
    /** The view is whole when this has ended, well or not. */
    settles(by: Promise<unknown>): void {
      settled = by.catch(() => undefined);
    },
    /** Wait for the view, but not for ever. */
    async whole(): Promise<void> {
      await Promise.race([settled, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
    },
  };
}

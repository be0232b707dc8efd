// The user's own marks, the same in all tabs: seen, saved, not for me and ratings. They stay in the
// browser (decision 0074); the API only gets the ids of the movies that a search leaves out.

import { computed, readonly, ref, shallowReactive, type InjectionKey } from "vue";

import { hiddenIds, type Change, type Mark, type MarkedMovie } from "./marks";
import { memoryShelf, openShelf, type Shelf, type Step } from "./shelf";

const CHANNEL = "my-movies";
const HIDES_KEY = "hide-seen";
const NOT_KEPT =
  "This browser does not let the page keep anything, as in some private windows. " +
  "What you mark is lost when you close the page; export it first.";
const FULL =
  "The browser could not keep this change; its storage may be full. Nothing was changed.";

export type Mine = ReturnType<typeof createMine>;

export const mineKey: InjectionKey<Mine> = Symbol("mine");

export function createMine(open: () => Promise<Shelf> = openShelf) {
  const marks = shallowReactive(new Map<string, Mark>());
  const trouble = ref("");
  const hides = ref(readHides());
  const hidden = computed(() => hiddenIds(marks.values()));
  const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(CHANNEL) : null;
  let isKept = true;

  const shelf: Promise<Shelf> = open().catch(() => {
    isKept = false;
    trouble.value = NOT_KEPT;
    return memoryShelf();
  });

  async function read(): Promise<void> {
    const now = await (await shelf).readAll();
    const ids = new Set(now.map(({ movieId }) => movieId));
    for (const id of marks.keys()) if (!ids.has(id)) marks.delete(id);
    for (const mark of now) marks.set(mark.movieId, mark);
  }

  const ready = read().catch(() => undefined);

  if (channel) {
    channel.onmessage = () => {
      hides.value = isKept ? readHides() : hides.value;
      void read().catch(() => undefined);
    };
  }

  async function write(work: (shelf: Shelf) => Promise<unknown>): Promise<boolean> {
    try {
      await work(await shelf);
      trouble.value = isKept ? "" : NOT_KEPT;
      channel?.postMessage("changed");
      return true;
    } catch {
      trouble.value = FULL;
      return false;
    }
  }

  /** Change marks, all or none; resolves to whether they are changed. */
  function apply(steps: readonly Step[]): Promise<boolean> {
    return write(async (shelf) => {
      for (const [id, mark] of await shelf.apply(steps)) {
        if (mark === null) marks.delete(id);
        else marks.set(id, mark);
      }
    });
  }

  return {
    /** Every mark by movie id. */
    marks: marks as ReadonlyMap<string, Mark>,
    /** Why marks are not kept, in words; empty when they are. */
    trouble: readonly(trouble),
    /** Whether searches hide what was seen or is not for the user. */
    hides: readonly(hides),
    /** Ids of the movies to hide, the latest first. */
    hidden,
    /** The marks are read when it settles. */
    ready,
    apply,
    /** Change one mark, now; resolves to whether it is changed. */
    change: (movie: MarkedMovie, change: Change) =>
      apply([
        { movie, change: (before) => ({ ...change(before), ...movie, changedMs: Date.now() }) },
      ]),
    clear: () =>
      write(async (shelf) => {
        await shelf.clear();
        marks.clear();
      }),
    setHides(value: boolean): void {
      hides.value = value;
      try {
        localStorage.setItem(HIDES_KEY, value ? "yes" : "no");
      } catch {
        return; // it holds until the page is closed
      }
      channel?.postMessage("changed");
    },
    close: () => channel?.close(),
  };
}

function readHides(): boolean {
  try {
    return localStorage.getItem(HIDES_KEY) === "yes";
  } catch {
    return false;
  }
}

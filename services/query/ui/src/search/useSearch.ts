// A search, its pages, and what to say meanwhile. Only the newest search is ever shown: starting one
// ends the one before, and what still arrives of that is dropped.

import { computed, readonly, ref, shallowRef } from "vue";

import type { Client, Hit, SimilarHit } from "../api/client";
import { complaint, persist } from "../api/persist";
import type { Memory } from "./memory";
import { isFiltered, similarTo, toRequest, type SearchState } from "./state";

export const PAGE_SIZE = 10;
export const MOST_AT_ONCE = 100; // `k`; similar films are not paged, so it is the most of them
const FURTHEST_OFFSET = 1000;
const SLOW_MS = 400;

/** A film that was found, by a search or as similar to one. */
export type FoundHit = Hit & Partial<Pick<SimilarHit, "reason">>;

export interface Found {
  state: SearchState;
  hits: readonly FoundHit[];
  matched: number;
  snapshotId: string;
  /** There is nothing after these. */
  complete: boolean;
}

export type Phase = "idle" | "searching" | "done" | "failed";

export interface Notice {
  kind: "" | "waiting" | "trouble";
  text: string;
}

const SILENCE: Notice = { kind: "", text: "" };

export function useSearch(client: Client, memory: Memory) {
  const phase = ref<Phase>("idle");
  const found = shallowRef<Found | null>(null);
  const notice = shallowRef<Notice>(SILENCE);
  const adding = ref(false);
  let stop = new AbortController();

  const say = (kind: Notice["kind"], text: string) => {
    notice.value = kind === "" && text === "" ? SILENCE : { kind, text };
  };

  async function page(state: SearchState, k: number, offset: number, signal: AbortSignal) {
    const similar = similarTo(state);
    const ask = async (): Promise<{ hits: FoundHit[]; matched: number; snapshot_id: string }> => {
      if (!similar) {
        const wanted = { ...toRequest(state), k, offset, evidence: 2, explain: true };
        return client.search(wanted, signal);
      }
      const most = Math.min(offset + k, MOST_AT_ONCE);
      const answer = await client.similar(similar, { k: most, evidence: 0 }, signal);
      return { ...answer, hits: answer.hits.slice(offset) };
    };
    return persist(ask, { signal, say: (text) => say("waiting", text) });
  }

  /** Start over: nothing is searched for. */
  function clear(): AbortSignal {
    stop.abort();
    stop = new AbortController();
    phase.value = "idle";
    found.value = null;
    adding.value = false;
    say("", "");
    return stop.signal;
  }

  /**
   * Search, and show it in place of what is shown. Resolves when it is shown, failed, or given up
   * for a newer one.
   *
   * @param first How many films to begin with: a page, or as many as were shown before.
   */
  async function run(state: SearchState, first = PAGE_SIZE): Promise<void> {
    stop.abort();
    stop = new AbortController();
    const { signal } = stop;
    phase.value = "searching";
    adding.value = false;
    // Only a slow answer is announced; a fast one would only flicker.
    const before = notice.value;
    const slow = setTimeout(() => {
      if (notice.value === before) say("waiting", "Searching");
    }, SLOW_MS);
    try {
      const k = Math.min(Math.max(first, PAGE_SIZE), MOST_AT_ONCE);
      const [answer] = await Promise.all([page(state, k, 0, signal), name(state, signal)]);
      if (signal.aborted) return;
      show({
        state,
        hits: answer.hits,
        matched: answer.matched,
        snapshotId: answer.snapshot_id,
        complete: isComplete(state, answer.hits.length, answer.hits.length, answer.matched),
      });
    } catch (error) {
      if (signal.aborted) return;
      found.value = null;
      phase.value = "failed";
      say("trouble", complaint(error));
    } finally {
      clearTimeout(slow);
    }
  }

  /** Show what was found before. */
  function restore(before: Found): void {
    stop.abort();
    stop = new AbortController();
    adding.value = false;
    show(before);
  }

  function show(newest: Found): void {
    memory.keep(newest.hits);
    found.value = newest;
    phase.value = "done";
    say("", summary(newest));
  }

  /** Add the next page. Resolves with how many films were shown before. */
  async function more(): Promise<number> {
    const before = found.value;
    if (before === null || before.complete || adding.value || phase.value !== "done") {
      return before?.hits.length ?? 0;
    }
    const { signal } = stop;
    adding.value = true;
    try {
      const offset = before.hits.length;
      const answer = await page(before.state, PAGE_SIZE, offset, signal);
      if (signal.aborted) return offset;
      // The index may have changed between two pages: no film is shown twice.
      const shown = new Set(before.hits.map((hit) => hit.movie.movie_id));
      const hits = [
        ...before.hits,
        ...answer.hits.filter((hit) => !shown.has(hit.movie.movie_id)),
      ].map((hit, n) => (hit.rank === n + 1 ? hit : { ...hit, rank: n + 1 }));
      show({
        ...before,
        hits,
        matched: answer.matched,
        complete: isComplete(before.state, hits.length, hits.length - offset, answer.matched),
      });
    } catch (error) {
      if (!signal.aborted) say("trouble", complaint(error));
    } finally {
      if (!signal.aborted) adding.value = false;
    }
    return before.hits.length;
  }

  /** Learn the titles of the films that the address names only by their ids. */
  async function name(state: SearchState, signal: AbortSignal): Promise<void> {
    const unnamed = [...state.like, ...state.unlike].filter((id) => !memory.titles.has(id));
    await Promise.all(
      unnamed.map(async (id) => {
        const asking = { signal, say: (text: string) => say("waiting", text) };
        const movie = await persist((signal) => client.movie(id, signal), asking);
        memory.titles.set(id, movie.title);
      }),
    );
  }

  return {
    phase: readonly(phase),
    found: computed(() => found.value),
    notice: computed(() => notice.value),
    adding: readonly(adding),
    say,
    clear,
    run,
    restore,
    more,
    end: () => stop.abort(),
  };
}

function isComplete(state: SearchState, shown: number, added: number, matched: number): boolean {
  const most = similarTo(state) ? MOST_AT_ONCE : FURTHEST_OFFSET + PAGE_SIZE;
  return added === 0 || shown >= Math.min(matched, most) || shown > FURTHEST_OFFSET;
}

function summary({ state, hits, matched }: Found): string {
  if (hits.length > 0) return `${hits.length} of ${count(matched, "film")}, best first`;
  if (isFiltered(state)) return "No film is all of that. Take a filter off.";
  return "There are no other films in the index yet.";
}

export function count(n: number, word: string): string {
  return `${n.toLocaleString()} ${word}${n === 1 ? "" : "s"}`;
}

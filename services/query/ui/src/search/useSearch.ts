// The state of a search: its results, page by page, and its status message. Only the newest search is
// shown: starting one aborts the previous one, and a late response of that is discarded.

import { computed, readonly, ref, shallowRef } from "vue";

import type { Client, Hit, Interpretation, OtherLanguage, SimilarHit } from "../api/client";
import { errorMessage, retry } from "../api/retry";
import { plural } from "../ui/numbers";
import { isWeak } from "./fit";
import type { Memory } from "./memory";
import { isFiltered, similarTo, toRequest, type SearchState } from "./state";

export const PAGE_SIZE = 10;
export const MAX_PER_REQUEST = 100; // `k`; similar movies are not paged, so also their maximum
const MAX_OFFSET = 1000;
export const MAX_EXCLUDED = 1000; // ids that a request may leave out
const MAX_ROUNDS = 10; // requests for one page, if hidden movies fill the pages
const SLOW_MS = 400;

/** A result of a search, or of a request for similar movies. */
export type ResultHit = Hit & Partial<Pick<SimilarHit, "reason">>;

/** A page of results, of a search or of similar movies. */
interface ResultPage {
  hits: ResultHit[];
  matched: number;
  snapshot_id: string;
  interpretation?: Interpretation | null;
  language?: OtherLanguage | null;
}

export interface SearchResults {
  state: SearchState;
  hits: readonly ResultHit[];
  matched: number;
  snapshotId: string;
  /** What was understood of the query besides what the search states itself. */
  interpretation: Interpretation | null;
  /** The query's language, where it is not that of the reviews. */
  language?: OtherLanguage | null;
  /** Ids of the movies that are hidden, the latest first. */
  hidden: readonly string[];
  /** How many results were loaded, with those that are hidden here. */
  taken: number;
  /** There are no further results. */
  complete: boolean;
}

export type Phase = "idle" | "searching" | "done" | "failed";

export interface Notice {
  kind: "" | "waiting" | "trouble";
  text: string;
}

const NO_NOTICE: Notice = { kind: "", text: "" };

/**
 * @param hiddenNow Ids of the movies that searches hide, those to hide first in front.
 */
export function useSearch(
  client: Client,
  memory: Memory,
  hiddenNow: () => readonly string[] | Promise<readonly string[]> = () => [],
) {
  const phase = ref<Phase>("idle");
  const results = shallowRef<SearchResults | null>(null);
  const notice = shallowRef<Notice>(NO_NOTICE);
  const loadingMore = ref(false);
  let controller = new AbortController();

  const notify = (kind: Notice["kind"], text: string) => {
    notice.value = kind === "" && text === "" ? NO_NOTICE : { kind, text };
  };

  function abort(): AbortSignal {
    controller.abort();
    controller = new AbortController();
    return controller.signal;
  }

  async function fetchPage(
    state: SearchState,
    k: number,
    offset: number,
    exclude: string[],
    signal: AbortSignal,
  ): Promise<ResultPage> {
    const similar = similarTo(state);
    const request = async (): Promise<ResultPage> => {
      if (!similar) {
        const page = { k, offset, evidence: 2, explain: true };
        const body = { ...toRequest(state), ...page, ...(exclude.length > 0 && { exclude }) };
        return client.search(body, signal);
      }
      const limit = Math.min(offset + k, MAX_PER_REQUEST);
      const response = await client.similar(similar, { k: limit, evidence: 0 }, signal);
      return { ...response, hits: response.hits.slice(offset) };
    };
    return retry(request, { signal, onWait: (text) => notify("waiting", text) });
  }

  /**
   * Load results that are not hidden, from an offset on. The API leaves as many out as a request may
   * name; the others are left out here, and further pages are loaded in their place.
   */
  async function fetchVisible(
    state: SearchState,
    k: number,
    offset: number,
    hidden: readonly string[],
    signal: AbortSignal,
  ): Promise<ResultPage & { taken: number }> {
    const sent = similarTo(state) ? [] : hidden.slice(0, MAX_EXCLUDED);
    const others = new Set(hidden.slice(sent.length));
    const visible: ResultHit[] = [];
    let taken = offset;
    for (let round = 1; ; round += 1) {
      const page = await fetchPage(state, k, taken, sent, signal);
      for (const hit of page.hits) {
        if (visible.length === k) break;
        taken += 1;
        if (!others.has(hit.movie.movie_id)) visible.push(hit);
      }
      const isEnd = isComplete(state, taken, page.hits.length, page.matched);
      if (others.size === 0 || visible.length === k || isEnd || round === MAX_ROUNDS) {
        return { ...page, hits: visible, taken };
      }
    }
  }

  /** Abort the search and remove its results. */
  function clear(): AbortSignal {
    const signal = abort();
    phase.value = "idle";
    results.value = null;
    loadingMore.value = false;
    notify("", "");
    return signal;
  }

  /**
   * Search, and replace the results when the response arrives. Resolves when the results are shown,
   * the search has failed, or a newer one has replaced it.
   *
   * @param first How many results to load: a page, or as many as were shown before.
   */
  async function run(state: SearchState, first = PAGE_SIZE): Promise<void> {
    const signal = abort();
    phase.value = "searching";
    loadingMore.value = false;
    // Only a slow search is announced; for a fast one the message would only flicker.
    const noticeBefore = notice.value;
    const slow = setTimeout(() => {
      if (notice.value === noticeBefore) notify("waiting", "Searching…");
    }, SLOW_MS);
    try {
      const k = Math.min(Math.max(first, PAGE_SIZE), MAX_PER_REQUEST);
      const now = hiddenNow();
      const hidden = now instanceof Promise ? await now : now;
      const [page] = await Promise.all([
        fetchVisible(state, k, 0, hidden, signal),
        loadTitles([...state.like, ...state.unlike], signal),
      ]);
      memory.rememberTitles(page.hits);
      const interpretation = page.interpretation ?? null;
      const { like, titles } = interpretation ?? { like: [], titles: [] };
      await loadTitles([...like, ...titles.slice(0, 1)], signal);
      if (signal.aborted) return;
      show({
        state,
        hits: page.hits.map(ranked),
        matched: page.matched,
        snapshotId: page.snapshot_id,
        interpretation,
        language: page.language ?? null,
        hidden,
        taken: page.taken,
        complete: isComplete(state, page.taken, page.taken, page.matched),
      });
    } catch (error) {
      if (signal.aborted) return;
      results.value = null;
      phase.value = "failed";
      notify("trouble", errorMessage(error));
    } finally {
      clearTimeout(slow);
    }
  }

  /** Show the results of an earlier search. */
  function restore(earlier: SearchResults): void {
    abort();
    loadingMore.value = false;
    show(earlier);
  }

  function show(newest: SearchResults): void {
    memory.rememberTitles(newest.hits);
    results.value = newest;
    phase.value = "done";
    notify("", summary(newest));
  }

  /** Load the next page. Resolves to the number of results that were shown before. */
  async function loadMore(): Promise<number> {
    const current = results.value;
    if (current === null || current.complete || loadingMore.value || phase.value !== "done") {
      return current?.hits.length ?? 0;
    }
    const { signal } = controller;
    loadingMore.value = true;
    try {
      const { state, hidden, taken } = current;
      const page = await fetchVisible(state, PAGE_SIZE, taken, hidden, signal);
      if (signal.aborted) return current.hits.length;
      // The snapshot may have changed between two pages: show no movie twice.
      const shown = new Set(current.hits.map((hit) => hit.movie.movie_id));
      const hits = [
        ...current.hits,
        ...page.hits.filter((hit) => !shown.has(hit.movie.movie_id)),
      ].map(ranked);
      show({
        ...current,
        hits,
        matched: page.matched,
        taken: page.taken,
        complete: isComplete(state, page.taken, page.taken - taken, page.matched),
      });
    } catch (error) {
      if (!signal.aborted) notify("trouble", errorMessage(error));
    } finally {
      if (!signal.aborted) loadingMore.value = false;
    }
    return current.hits.length;
  }

  /** Load the titles of movies that are known only by their ids. */
  async function loadTitles(ids: readonly string[], signal: AbortSignal): Promise<void> {
    const unknown = ids.filter((id) => !memory.titles.has(id));
    await Promise.all(
      unknown.map(async (id) => {
        const options = { signal, onWait: (text: string) => notify("waiting", text) };
        const movie = await retry((signal) => client.movie(id, signal), options);
        memory.titles.set(id, movie.title);
      }),
    );
  }

  return {
    phase: readonly(phase),
    results: computed(() => results.value),
    notice: computed(() => notice.value),
    loadingMore: readonly(loadingMore),
    notify,
    clear,
    run,
    restore,
    loadMore,
    dispose: () => controller.abort(),
  };
}

/** A hit with the rank of its place in the list. */
function ranked(hit: ResultHit, n: number): ResultHit {
  return hit.rank === n + 1 ? hit : { ...hit, rank: n + 1 };
}

function isComplete(state: SearchState, taken: number, added: number, matched: number): boolean {
  const limit = similarTo(state) ? MAX_PER_REQUEST : MAX_OFFSET + PAGE_SIZE;
  return added === 0 || taken >= Math.min(matched, limit) || taken > MAX_OFFSET;
}

function summary(results: SearchResults): string {
  const { state, hits, matched, interpretation, hidden } = results;
  if (isWeak(results, PAGE_SIZE))
    return `Nothing fits well. Showing the nearest: ${plural(hits.length, "movie")}`;
  if (hits.length > 0) {
    const without = hidden.length > 0 ? ", without what you have seen" : "";
    return `Showing ${hits.length} of ${plural(matched, "movie")}${without}, best matches first`;
  }
  if (hidden.length > 0) return "No movie that you have not seen matches.";
  if (isFiltered(state) || interpretation) return "No movies match all filters. Try removing one.";
  return "The index has no other movies yet.";
}

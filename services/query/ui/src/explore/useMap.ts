// The state of the map view: the map, and the rows that a search highlights.

import { computed, shallowRef } from "vue";

import { Problem, type Client, type MovieMap } from "../api/client";
import { errorMessage, retry } from "../api/retry";
import { isSearch, toRequest, type SearchState } from "../search/state";
import type { Notice } from "../search/useSearch";
import { Grid } from "./grid";

const MAX_HIGHLIGHTED = 100; // the maximum `k` of a search
const HIGHLIGHTED_SHARE = 0.1; // highlighting most of the map would carry no information

export function useMap(client: Client, onSnapshot: (id: string) => void) {
  const map = shallowRef<MovieMap | null>(null);
  const highlighted = shallowRef<readonly number[] | null>(null);
  const notice = shallowRef<Notice>({ kind: "", text: "" });
  const grid = computed(() => map.value && new Grid(map.value.x, map.value.y));
  const rows = computed(
    () => new Map((map.value?.movie_ids ?? []).map((id, row) => [id, row] as const)),
  );
  let controller = new AbortController();

  /** Show the map and, if the state is a search, highlight its results. */
  async function show(state: SearchState): Promise<void> {
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    const options = {
      signal,
      onWait: (text: string) => {
        notice.value = { kind: "waiting", text };
      },
    };
    const loadMap = () => retry((signal) => client.map(signal), options);
    if (!isSearch(state)) highlighted.value = null;
    try {
      if (map.value === null) notice.value = { kind: "", text: "Loading the map…" };
      let newest = map.value ?? (await loadMap());
      let ids: string[] | null = null;
      if (isSearch(state)) {
        const k = highlightCount(newest.movie_ids.length);
        const request = { ...toRequest(state), k, evidence: 0 };
        const response = await retry((signal) => client.search(request, signal), options);
        // Another snapshot is served now: its results may be missing on the loaded map.
        if (response.snapshot_id !== newest.snapshot_id) newest = await loadMap();
        ids = response.hits.map((hit) => hit.movie.movie_id);
      }
      if (signal.aborted) return;
      map.value = newest;
      onSnapshot(newest.snapshot_id);
      highlighted.value = ids && ids.flatMap((id) => rows.value.get(id) ?? []);
      notice.value = { kind: "", text: highlighted.value ? summary(highlighted.value.length) : "" };
    } catch (error) {
      if (signal.aborted) return;
      const noMap = error instanceof Problem && error.code === "no-map";
      notice.value = {
        kind: "trouble",
        text: noMap
          ? "The current index has no map. The next update of the index will add one."
          : errorMessage(error),
      };
    }
  }

  return {
    map: computed(() => map.value),
    grid,
    highlighted: computed(() => highlighted.value),
    notice: computed(() => notice.value),
    show,
    dispose: () => controller.abort(),
  };
}

/** How many movies a search highlights on a map of `movies`. */
export function highlightCount(movies: number): number {
  return Math.min(MAX_HIGHLIGHTED, Math.max(10, Math.round(movies * HIGHLIGHTED_SHARE)));
}

function summary(count: number): string {
  if (count === 0) return "No movies found. Try fewer or different words.";
  return count === 1
    ? "The best match is highlighted."
    : `The ${count} best matches are highlighted.`;
}

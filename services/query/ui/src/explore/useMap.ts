// The map, and what of it a search has found.

import { computed, ref, shallowRef } from "vue";

import { Problem, type Client, type FilmMap } from "../api/client";
import { complaint, persist } from "../api/persist";
import { isSearch, toRequest, type SearchState } from "../search/state";
import type { Notice } from "../search/useSearch";
import { Grid } from "./grid";

const MOST_LIT = 100; // as many as a search may ask for
const SHARE_LIT = 0.1; // were most of the map lit, the light would say nothing

export function useMap(client: Client, onSnapshot: (id: string) => void) {
  const map = shallowRef<FilmMap | null>(null);
  const lit = shallowRef<readonly number[] | null>(null);
  const missing = ref(false);
  const notice = shallowRef<Notice>({ kind: "", text: "" });
  const grid = computed(() => map.value && new Grid(map.value.x, map.value.y));
  const rows = computed(
    () => new Map((map.value?.movie_ids ?? []).map((id, row) => [id, row] as const)),
  );
  let stop = new AbortController();

  /** Show what an address says: the map and, if it is a search, what that finds. */
  async function show(state: SearchState): Promise<void> {
    stop.abort();
    stop = new AbortController();
    const { signal } = stop;
    const how = {
      signal,
      say: (text: string) => {
        notice.value = { kind: "waiting", text };
      },
    };
    const drawn = () => persist((signal) => client.map(signal), how);
    if (!isSearch(state)) lit.value = null;
    try {
      if (map.value === null) notice.value = { kind: "", text: "Drawing the map" };
      let shown = map.value ?? (await drawn());
      let found: string[] | null = null;
      if (isSearch(state)) {
        const wanted = { ...toRequest(state), k: litOf(shown.movie_ids.length), evidence: 0 };
        const answer = await persist((signal) => client.search(wanted, signal), how);
        // Another snapshot is served by now: films that the map does not have may be found.
        if (answer.snapshot_id !== shown.snapshot_id) shown = await drawn();
        found = answer.hits.map((hit) => hit.movie.movie_id);
      }
      if (signal.aborted) return;
      map.value = shown;
      missing.value = false;
      onSnapshot(shown.snapshot_id);
      lit.value = found && found.flatMap((id) => rows.value.get(id) ?? []);
      notice.value = { kind: "", text: found ? said(lit.value?.length ?? 0) : "" };
    } catch (error) {
      if (signal.aborted) return;
      missing.value = error instanceof Problem && error.code === "no-map";
      notice.value = missing.value
        ? {
            kind: "trouble",
            text: "The films being served have no map yet. The next snapshot brings one.",
          }
        : { kind: "trouble", text: complaint(error) };
    }
  }

  return {
    map: computed(() => map.value),
    grid,
    lit: computed(() => lit.value),
    notice: computed(() => notice.value),
    show,
    end: () => stop.abort(),
  };
}

/** How many of so many films a search lights up. */
export function litOf(films: number): number {
  return Math.min(MOST_LIT, Math.max(10, Math.round(films * SHARE_LIT)));
}

function said(count: number): string {
  if (count === 0) return "No film is found. Others may be, in fewer or other words.";
  return count === 1 ? "1 film is lit." : `The ${count} best films are lit, the very best named.`;
}

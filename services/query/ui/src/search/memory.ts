// What one visit remembers: the titles of movies, and the latest searches, so that going back shows
// their results at once and at the former scroll position.

import { reactive, type InjectionKey } from "vue";

import type { ResultHit, SearchResults } from "./useSearch";

const MAX_SEARCHES = 30;

export type Memory = ReturnType<typeof createMemory>;

export const memoryKey: InjectionKey<Memory> = Symbol("memory");

export function createMemory() {
  const titles = reactive(new Map<string, string>());
  const searches = new Map<string, SearchResults>();

  return {
    titles,
    titleOf: (id: string) => titles.get(id) ?? id,
    rememberTitles(hits: readonly ResultHit[]): void {
      for (const { movie } of hits) titles.set(movie.movie_id, movie.title);
    },
    /** The results of the search at an address. */
    resultsAt: (address: string) => searches.get(address),
    store(address: string, results: SearchResults): void {
      searches.delete(address);
      searches.set(address, results);
      const [oldest] = searches.keys();
      if (searches.size > MAX_SEARCHES && oldest !== undefined) searches.delete(oldest);
    },
    /** The hit of a movie in the newest search for `query`, if it was among the results. */
    hit(query: string, id: string): ResultHit | undefined {
      const matching = [...searches.values()]
        .reverse()
        .filter(({ state }) => state.query === query);
      return matching.flatMap(({ hits }) => hits).find((hit) => hit.movie.movie_id === id);
    },
  };
}

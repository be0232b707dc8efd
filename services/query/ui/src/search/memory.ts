// What one visit remembers: titles of films that were seen, and the last searches, so that going
// back shows at once what was there, at the place where one was.

import { reactive, type InjectionKey } from "vue";

import type { FoundHit, Found } from "./useSearch";

const MOST_SEARCHES = 30;

export type Memory = ReturnType<typeof createMemory>;

export const memoryKey: InjectionKey<Memory> = Symbol("memory");

export function createMemory() {
  const titles = reactive(new Map<string, string>());
  const searches = new Map<string, Found>();

  return {
    titles,
    titleOf: (id: string) => titles.get(id) ?? id,
    /** Remember the films' titles. */
    keep(hits: readonly FoundHit[]): void {
      for (const { movie } of hits) titles.set(movie.movie_id, movie.title);
    },
    /** What was found at an address. */
    found: (address: string) => searches.get(address),
    put(address: string, found: Found): void {
      searches.delete(address);
      searches.set(address, found);
      const [oldest] = searches.keys();
      if (searches.size > MOST_SEARCHES && oldest !== undefined) searches.delete(oldest);
    },
    /** What the search for `query` has to say for a film, if it was among its hits. */
    hit(query: string, id: string): FoundHit | undefined {
      const asked = [...searches.values()].reverse().filter((one) => one.state.query === query);
      return asked.flatMap((one) => one.hits).find((hit) => hit.movie.movie_id === id);
    },
  };
}

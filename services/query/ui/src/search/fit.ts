// Whether the results of a search fit it. Pure.

import type { SearchResults } from "./useSearch";

/** The least fit of the best result: of ten such results, a person would accept one. */
const LEAST_FIT = 0.1;

/** Whether no result of the first page fits well. */
export function isWeak({ hits, interpretation }: SearchResults, pageSize: number): boolean {
  if (interpretation?.titles.length) return false;
  const fits = hits.slice(0, pageSize).map(({ fit }) => fit);
  return fits.length > 0 && Math.max(...fits) < LEAST_FIT;
}

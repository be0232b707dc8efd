// Finds the movies of a list in the index, some at a time.

import type { Client, Movie } from "../api/client";
import { retry, type RetryOptions } from "../api/retry";
import type { Entry } from "./listings";
import { added } from "./marks";
import type { Step } from "./shelf";

const AT_ONCE = 100;
const MOST_TITLE_CHARS = 500;

/** What names a movie in a lookup. */
export type KnownMovie = Parameters<Client["lookUp"]>[0]["movies"][number];

/** Look movies up; null for each that the index does not have. */
export async function lookUp(
  client: Client,
  known: readonly KnownMovie[],
  options: RetryOptions & { onProgress?: (done: number) => void },
): Promise<(Movie | null)[]> {
  const found: (Movie | null)[] = [];
  while (found.length < known.length) {
    const movies = known.slice(found.length, found.length + AT_ONCE);
    const answer = await retry((signal) => client.lookUp({ movies }, signal), options);
    found.push(...answer.movies);
    options.onProgress?.(found.length);
  }
  return found;
}

export interface Matched {
  steps: Step[];
  unmatched: Entry[];
}

/** Match the entries of a list with movies, by id or else by title and year. */
export async function match(
  client: Client,
  entries: readonly Entry[],
  options: Parameters<typeof lookUp>[2],
): Promise<Matched> {
  const movies = await lookUp(client, entries.map(known), options);
  const steps: Step[] = [];
  const changedMs = Date.now();
  movies.forEach((movie, n) => {
    const entry = entries[n];
    if (movie === null || entry === undefined) return;
    const { movie_id: movieId, title, year } = movie;
    const change = added(entry);
    steps.push({
      movie: { movieId, title, year },
      change: (before) => ({ ...change(before), changedMs }),
    });
  });
  return { steps, unmatched: entries.filter((_, n) => movies[n] === null) };
}

function known({ imdbId, title, year }: Entry): KnownMovie {
  const named = title ? { title: title.slice(0, MOST_TITLE_CHARS), year } : {};
  return imdbId ? { id: imdbId, ...named } : named;
}

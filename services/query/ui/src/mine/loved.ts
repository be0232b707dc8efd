// Which of the movies that the user loved a search for more starts from. Pure.

import type { Movie } from "../api/client";
import type { Mark } from "./marks";

const LEAST_LOVED = 8;
const MOST_LOVED = 100; // that are looked at
export const MOST_LIKED = 5; // that a search starts from

/** The movies rated 8 or higher, best and latest first. */
export function loved(marks: Iterable<Mark>): Mark[] {
  return [...marks]
    .filter(({ rating }) => (rating ?? 0) >= LEAST_LOVED)
    .sort((one, other) => rank(other) - rank(one) || other.changedMs - one.changedMs)
    .slice(0, MOST_LOVED);
}

function rank({ rating }: Mark): number {
  return rating ?? 0;
}

/**
 * A few movies that differ, in this order of preference: first those of a cluster of the map that
 * none has yet, then those with most genres that none has yet.
 *
 * @param movies The loved movies, best first.
 */
export function varied(movies: readonly Movie[], most = MOST_LIKED): Movie[] {
  const left = movies.filter(({ review_count: count }) => count > 0); // the others are like none
  const chosen: Movie[] = [];
  const clusters = new Set<number | null>();
  const genres = new Set<string>();
  while (chosen.length < most && left.length > 0) {
    const novelty = (movie: Movie) =>
      (clusters.has(movie.cluster) ? 0 : 100) +
      movie.genres.filter((genre) => !genres.has(genre)).length;
    const next = left.reduce((best, movie) => (novelty(movie) > novelty(best) ? movie : best));
    left.splice(left.indexOf(next), 1);
    chosen.push(next);
    clusters.add(next.cluster);
    for (const genre of next.genres) genres.add(genre);
  }
  return chosen;
}

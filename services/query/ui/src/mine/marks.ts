// What the user has marked about a movie, and how marks change. Pure.

export const HIGHEST_RATING = 10;

export interface Mark {
  movieId: string;
  title: string;
  year: number | null;
  seen: boolean;
  saved: boolean;
  notForMe: boolean;
  /** 1 to 10. */
  rating: number | null;
  /** When it was last changed, in milliseconds since 1970. */
  changedMs: number;
}

/** What is known of a movie that is marked. */
export type MarkedMovie = Pick<Mark, "movieId" | "title" | "year">;
export type Choice = "seen" | "saved" | "notForMe";
export type Change = (before: Mark) => Mark;

export const LISTS = ["saved", "seen", "rated", "notForMe"] as const;
export type ListName = (typeof LISTS)[number];

export function unmarked(movie: MarkedMovie): Mark {
  const { movieId, title, year } = movie;
  const nothing = { seen: false, saved: false, notForMe: false, rating: null, changedMs: 0 };
  return { movieId, title, year, ...nothing };
}

/** Whether there is nothing left to keep. */
export function isBlank(mark: Mark): boolean {
  return !mark.seen && !mark.saved && !mark.notForMe && mark.rating === null;
}

/** Set or take off a mark; a movie is never both saved and not for me. */
export function choose(choice: Choice, on: boolean): Change {
  return (before) => ({
    ...before,
    ...(on && choice === "saved" && { notForMe: false }),
    ...(on && choice === "notForMe" && { saved: false }),
    [choice]: on,
  });
}

/** Rate a movie, which says that it was seen; null takes the rating off. */
export function rate(rating: number | null): Change {
  return (before) => ({ ...before, rating, seen: before.seen || rating !== null });
}

/** Add what another list says of a movie; what is marked here stays as it is. */
export function added(other: Pick<Mark, "seen" | "saved" | "rating">): Change {
  return (before) => ({
    ...before,
    seen: before.seen || other.seen,
    saved: before.saved || (other.saved && !before.notForMe),
    rating: before.rating ?? other.rating,
  });
}

export function isIn(list: ListName, mark: Mark): boolean {
  return list === "rated" ? mark.rating !== null : mark[list];
}

/** Ids of the movies to hide from searches: seen or not for me, the latest first. */
export function hiddenIds(marks: Iterable<Mark>): string[] {
  return [...marks]
    .filter(({ seen, notForMe }) => seen || notForMe)
    .sort((one, other) => other.changedMs - one.changedMs)
    .map(({ movieId }) => movieId);
}

// My movies as a JSON file; docs/my-movies.md describes the format. Pure: writes it, and reads it
// whole before anything is changed, so that a bad file changes nothing.

import { HIGHEST_RATING, type Mark } from "./marks";
import type { Step } from "./shelf";

const FORMAT = "semantic-movie-search/my-movies";
const VERSION = 1;
const MOST_MOVIES = 100_000;

/** A file that cannot be read, with what is wrong in words. */
export class UnreadableFile extends Error {}

export function written(marks: Iterable<Mark>, now: Date): string {
  const movies = [...marks].map((mark) => ({
    movie_id: mark.movieId,
    title: mark.title,
    year: mark.year,
    seen: mark.seen,
    saved: mark.saved,
    not_for_me: mark.notForMe,
    rating: mark.rating,
    changed: new Date(mark.changedMs).toISOString(),
  }));
  const file = { format: FORMAT, version: VERSION, exported: now.toISOString(), movies };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Whether a text is meant to be JSON. */
export function isJson(text: string): boolean {
  return /^\s*[[{]/.test(text);
}

/** The marks of a file; fails with `UnreadableFile`. */
export function readMarks(text: string): Mark[] {
  const file = record(parsed(text), "The file");
  if (file["format"] !== FORMAT) {
    throw new UnreadableFile(`This is no file of My movies: its "format" is not "${FORMAT}".`);
  }
  const version = file["version"];
  if (typeof version === "number" && version > VERSION) {
    throw new UnreadableFile(
      `A newer page has written this file (version ${version}); this page reads version ` +
        `${VERSION}. Reload the page, or ask its operator for an update.`,
    );
  }
  if (version !== VERSION) throw new UnreadableFile(`"version" must be ${VERSION}.`);
  const movies = file["movies"];
  if (!Array.isArray(movies)) throw new UnreadableFile('"movies" must be a list.');
  if (movies.length > MOST_MOVIES) {
    throw new UnreadableFile(`The file has more than ${MOST_MOVIES.toLocaleString()} movies.`);
  }
  return movies.map((entry: unknown, n) => mark(record(entry, `movies[${n}]`), `movies[${n}]`));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnreadableFile("The file is not valid JSON; it may be cut off.");
  }
}

function record(value: unknown, place: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UnreadableFile(`${place} must be an object.`);
  }
  return value as Record<string, unknown>;
}

function mark(entry: Record<string, unknown>, place: string): Mark {
  const wrong = (name: string, what: string) =>
    new UnreadableFile(`${place}.${name} must be ${what}.`);
  const flag = (name: string) => {
    const value = entry[name] ?? false;
    if (typeof value !== "boolean") throw wrong(name, "true or false");
    return value;
  };
  const whole = (name: string, least: number, most: number) => {
    const value = entry[name] ?? null;
    if (value === null) return null;
    const fits = typeof value === "number" && Number.isInteger(value);
    if (!fits || value < least || value > most) {
      throw wrong(name, `a whole number from ${least} to ${most}, or null`);
    }
    return value;
  };
  const { movie_id: movieId, title, changed } = entry;
  if (typeof movieId !== "string" || movieId === "") throw wrong("movie_id", "a text");
  if (title !== undefined && typeof title !== "string") throw wrong("title", "a text");
  const changedMs = typeof changed === "string" ? Date.parse(changed) : Number.NaN;
  if (Number.isNaN(changedMs)) throw wrong("changed", "a time such as 2026-01-31T20:00:00Z");
  return {
    movieId,
    title: title || movieId,
    year: whole("year", 0, 9999),
    seen: flag("seen"),
    saved: flag("saved"),
    notForMe: flag("not_for_me"),
    rating: whole("rating", 1, HIGHEST_RATING),
    changedMs,
  };
}

/** Take a mark of a file over, unless the mark here was changed later. */
export function step(fromFile: Mark): Step {
  return {
    movie: fromFile,
    change: (here) => (here.changedMs > fromFile.changedMs ? here : fromFile),
  };
}

// The lists that other services export as CSV: Letterboxd, IMDb and Trakt. Pure: reads what each row
// says of a movie.

import { csvRows } from "./csv";
import { UnreadableFile } from "./exchange";
import { HIGHEST_RATING, type Mark } from "./marks";

export interface Entry extends Pick<Mark, "title" | "year" | "seen" | "saved" | "rating"> {
  /** The id of IMDb, or empty. */
  imdbId: string;
}

export interface Listing {
  /** What it is, such as "Letterboxd ratings". */
  name: string;
  entries: Entry[];
  /** How many rows are of no movie: series, episodes, games. */
  otherRows: number;
}

type Row = Record<string, string>;

/** The list in a CSV file; fails with `UnreadableFile`. */
export function readListing(fileName: string, text: string): Listing {
  const rows = csvRows(text);
  const [first] = rows;
  if (first === undefined) throw new UnreadableFile("The file has no rows below its header.");
  const isList = /watchlist/i.test(fileName);
  if ("letterboxd uri" in first) return letterboxd(rows, isList);
  if ("const" in first) return imdb(rows, "position" in first);
  if ("imdb_id" in first || "trakt_id" in first) return trakt(rows, isList);
  throw new UnreadableFile(
    "This is no export of Letterboxd, IMDb or Trakt, nor of this page: the first line names none " +
      'of the columns "Letterboxd URI", "Const", "imdb_id" and "trakt_id".',
  );
}

function letterboxd(rows: Row[], saved: boolean): Listing {
  const [first = {}] = rows;
  const what = saved
    ? "watchlist"
    : "watched date" in first
      ? "diary"
      : "rating" in first
        ? "ratings"
        : "watched";
  const entries = rows.map((row) => ({
    imdbId: "",
    title: row["name"] ?? "",
    year: yearOf(row["year"]),
    seen: !saved,
    saved,
    rating: ratingOf(row["rating"], 2), // half a star to five stars
  }));
  return { name: `Letterboxd ${what}`, ...movies(entries, 0) };
}

function imdb(rows: Row[], saved: boolean): Listing {
  const isMovie = (row: Row) => !/series|episode|game|podcast|music/i.test(row["title type"] ?? "");
  const entries = rows.filter(isMovie).map((row) => {
    const rating = ratingOf(row["your rating"], 1);
    return {
      imdbId: imdbIdOf(row["const"]),
      title: row["title"] ?? "",
      year: yearOf(row["year"]),
      seen: !saved || rating !== null,
      saved,
      rating,
    };
  });
  const name = saved ? "IMDb list" : "IMDb ratings";
  return { name, ...movies(entries, rows.length - entries.length) };
}

function trakt(rows: Row[], isList: boolean): Listing {
  const [first = {}] = rows;
  const saved = isList || ("listed_at" in first && !("watched_at" in first));
  const isMovie = (row: Row) => /^(?:movie)?$/i.test(row["type"] ?? "");
  const entries = rows.filter(isMovie).map((row) => {
    const rating = ratingOf(row["my_rating"] ?? row["your_rating"] ?? row["rating"], 1);
    return {
      imdbId: imdbIdOf(row["imdb_id"]),
      title: row["title"] ?? "",
      year: yearOf(row["year"]),
      seen: !saved,
      saved,
      rating: saved ? null : rating,
    };
  });
  const what = saved ? "watchlist" : "rated_at" in first ? "ratings" : "history";
  return { name: `Trakt ${what}`, ...movies(entries, rows.length - entries.length) };
}

/** Entries that name a movie, each movie once: a diary has one row for each time. */
function movies(entries: Entry[], otherRows: number): Omit<Listing, "name"> {
  const named = new Map<string, Entry>();
  for (const entry of entries) {
    if (entry.imdbId === "" && entry.title === "") {
      otherRows += 1;
      continue;
    }
    const key = entry.imdbId || `${entry.title.toLowerCase()} ${entry.year}`;
    const before = named.get(key);
    named.set(key, { ...entry, rating: entry.rating ?? before?.rating ?? null });
  }
  return { entries: [...named.values()], otherRows };
}

function imdbIdOf(text = ""): string {
  return /^tt\d+$/.test(text) ? text : "";
}

function yearOf(text = ""): number | null {
  return /^\d{4}$/.test(text) ? Number(text) : null;
}

function ratingOf(text = "", factor: number): number | null {
  const rating = Math.round(Number(text.replace(",", ".")) * factor);
  return text !== "" && rating >= 1 && rating <= HIGHEST_RATING ? rating : null;
}

// The facts of a movie in words, each with the search that it leads to. Pure.

import type { LocationQueryRaw } from "vue-router";

import type { Movie, Review } from "../api/client";
import { decimal, plural } from "../ui/numbers";

export interface FactValue {
  text: string;
  /** The search for movies that have the same. */
  query?: LocationQueryRaw;
}

export interface Fact {
  name: string;
  values: FactValue[];
}

/** The facts that are known, in a fixed order. */
export function factsOf(movie: Movie): Fact[] {
  const { year, runtime_minutes: minutes, rating, votes, review_count: count } = movie;
  const several = (names: readonly string[], one: string, more: string) =>
    names.length === 1 ? one : more;
  const linked = (names: readonly string[], parameter: string) =>
    names.map((text) => ({ text, query: { [parameter]: text } }));
  const isOther = movie.original_title !== null && movie.original_title !== movie.title;
  const known: [string, FactValue[]][] = [
    ["Original title", isOther ? [{ text: movie.original_title ?? "" }] : []],
    ["Year", year === null ? [] : [yearValue(year)]],
    ["Running time", minutes === null ? [] : [{ text: duration(minutes) }]],
    [several(movie.genres, "Genre", "Genres"), linked(movie.genres, "genre")],
    ["Directed by", linked(movie.directors, "director")],
    [several(movie.countries, "Country", "Countries"), linked(movie.countries, "country")],
    [several(movie.languages, "Language", "Languages"), linked(movie.languages, "language")],
    ["Rating", rating === null ? [] : [{ text: ratingText(rating, votes) }]],
    ["Reviews", [{ text: count === 0 ? "No reviews yet" : count.toLocaleString() }]],
    ["With", linked(movie.people, "person")],
  ];
  return known.map(([name, values]) => ({ name, values })).filter(({ values }) => values.length);
}

function yearValue(year: number): FactValue {
  const text = String(year);
  return { text, query: { year_from: text, year_to: text } };
}

function ratingText(rating: number, votes: number | null): string {
  const of = votes === null ? "" : ` (${plural(votes, "vote")})`;
  return `${decimal(rating)}/10${of}`;
}

function duration(minutes: number): string {
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return [hours && `${hours} h`, rest && `${rest} min`].filter(Boolean).join(" ");
}

/** What two movies have in common besides what viewers say, in words; may be empty. */
export function inCommon(movie: Movie, other: Movie): string {
  const both = (list: "directors" | "people" | "genres") =>
    movie[list].filter((name) => other[list].includes(name));
  const [directors, people, genres] = [
    both("directors"),
    both("people").slice(0, 2),
    both("genres"),
  ];
  const parts = [
    directors.length ? `by ${directors.join(" and ")}` : "",
    people.length ? `with ${people.join(" and ")}` : "",
    ...genres,
  ];
  const known = parts.filter(Boolean);
  return known.length ? `Both ${known.join(", ")}` : "";
}

export interface Source {
  /** The site. */
  host: string;
  /** What comes from it, in words. */
  what: string;
  /** The movie's page there. */
  url: string | null;
}

/** The sites that a movie's facts, picture and reviews come from, as far as their links tell. */
export function sourcesOf(movie: Movie, reviews: readonly Review[]): Source[] {
  const sites = new Map<string, { kinds: Set<string>; url: string | null }>();
  const note = (url: string | null, kind: string, page: string | null = null) => {
    const host = hostOf(url);
    if (host === "") return;
    const site = sites.get(host) ?? { kinds: new Set<string>(), url: null };
    site.kinds.add(kind);
    site.url ??= page;
    sites.set(host, site);
  };
  note(movie.url, "facts", movie.url);
  if (movie.poster !== null) note(movie.poster_url, "picture");
  for (const { url } of reviews) note(url, "reviews");
  return [...sites].map(([host, { kinds, url }]) => {
    const what = [...kinds].join(" and ");
    return { host, what: what.charAt(0).toUpperCase() + what.slice(1), url };
  });
}

function hostOf(url: string | null): string {
  if (url === null || !/^https?:/i.test(url) || !URL.canParse(url)) return "";
  return new URL(url).hostname.replace(/^www\./, "");
}

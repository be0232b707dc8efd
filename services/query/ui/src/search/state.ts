// A search as the query string of the page: ?q= the query, &avoid=, &like= and &unlike= movie ids,
// &genre= and &no_genre=, &year_from=, &year_to=, &rating_from=. A single like= without anything else
// lists the movies similar to that one. Pure: converts in both directions.

import type { LocationQuery, LocationQueryRaw } from "vue-router";

import type { SearchRequest } from "../api/client";

export interface SearchState {
  query: string;
  avoid: string;
  like: string[];
  unlike: string[];
  genres: string[];
  noGenres: string[];
  from: number | null;
  to: number | null;
  rating: number | null;
}

const MAX_MOVIES = 10;
const MAX_GENRES = 20;

export const EMPTY_STATE: SearchState = {
  query: "",
  avoid: "",
  like: [],
  unlike: [],
  genres: [],
  noGenres: [],
  from: null,
  to: null,
  rating: null,
};

export function readState(query: LocationQuery): SearchState {
  const all = (name: string) => {
    const values = [query[name] ?? []].flat().map((value) => (value ?? "").trim());
    return [...new Set(values)].filter(Boolean);
  };
  const text = (name: string) => all(name)[0] ?? "";
  const like = all("like").slice(0, MAX_MOVIES);
  const genres = all("genre").slice(0, MAX_GENRES);
  const [from, to] = [year(text("year_from")), year(text("year_to"))];
  const swapped = from !== null && to !== null && from > to;
  return {
    query: text("q"),
    avoid: text("avoid"),
    like,
    unlike: all("unlike")
      .filter((id) => !like.includes(id))
      .slice(0, MAX_MOVIES),
    genres,
    noGenres: all("no_genre")
      .filter((genre) => !genres.includes(genre))
      .slice(0, MAX_GENRES),
    from: swapped ? to : from,
    to: swapped ? from : to,
    rating: rating(text("rating_from")),
  };
}

function year(text: string): number | null {
  return /^\d{1,4}$/.test(text) ? Number(text) : null;
}

function rating(text: string): number | null {
  return /^(\d(\.\d)?|10)$/.test(text) && Number(text) > 0 ? Number(text) : null;
}

/** The state as the router's query, in a fixed order, so that a search has one address. */
export function writeState(state: SearchState): LocationQueryRaw {
  const { from, to } = state;
  const entries: [string, string | string[]][] = [
    ["q", state.query],
    ["avoid", state.avoid],
    ["like", state.like],
    ["unlike", state.unlike],
    ["genre", state.genres],
    ["no_genre", state.noGenres],
    ["year_from", from === null ? "" : String(from)],
    ["year_to", to === null ? "" : String(to)],
    ["rating_from", state.rating === null ? "" : String(state.rating)],
  ];
  return Object.fromEntries(entries.filter(([, value]) => value.length > 0));
}

export function isSearch(state: SearchState): boolean {
  return state.query !== "" || state.like.length > 0;
}

export function isFiltered(state: SearchState): boolean {
  const { genres, noGenres, from, to } = state;
  return genres.length + noGenres.length > 0 || [from, to, state.rating].some((n) => n !== null);
}

/** The id of the movie whose similar movies are requested; null if the state says anything else. */
export function similarTo(state: SearchState): string | null {
  const other = state.query || state.avoid || state.unlike.length || isFiltered(state);
  return state.like.length === 1 && !other ? (state.like[0] ?? null) : null;
}

/** The search as a request to the API. */
export function toRequest(state: SearchState): SearchRequest {
  return {
    ...(state.query && { query: state.query }),
    ...(state.avoid && { avoid: state.avoid }),
    like: state.like,
    unlike: state.unlike,
    filters: {
      genres: { any: state.genres, none: state.noGenres },
      year: { gte: state.from, lte: state.to },
      rating: { gte: state.rating },
    },
  };
}

/** The search with one more liked or disliked movie; drops the oldest if there are too many. */
export function withMovie(state: SearchState, id: string, liked: boolean): SearchState {
  const like = state.like.filter((other) => other !== id);
  const unlike = state.unlike.filter((other) => other !== id);
  (liked ? like : unlike).push(id);
  return { ...state, like: like.slice(-MAX_MOVIES), unlike: unlike.slice(-MAX_MOVIES) };
}

export interface Condition {
  kind: "like" | "unlike" | "avoid" | "genre" | "noGenre" | "years" | "rating";
  /** A movie id for `like` and `unlike`, otherwise text. */
  value: string;
  /** The search without this condition. */
  rest: SearchState;
}

/** The conditions of a search besides its query, each of which can be removed. */
export function conditions(state: SearchState): Condition[] {
  type Lists = "like" | "unlike" | "genres" | "noGenres";
  const each = (kind: Condition["kind"], name: Lists): Condition[] =>
    state[name].map((value) => ({
      kind,
      value,
      rest: { ...state, [name]: state[name].filter((other) => other !== value) },
    }));
  const list = [...each("like", "like"), ...each("unlike", "unlike")];
  if (state.avoid) list.push({ kind: "avoid", value: state.avoid, rest: { ...state, avoid: "" } });
  list.push(...each("genre", "genres"), ...each("noGenre", "noGenres"));
  if (state.from !== null || state.to !== null) {
    const value = yearsText(state.from, state.to);
    list.push({ kind: "years", value, rest: { ...state, from: null, to: null } });
  }
  if (state.rating !== null) {
    const value = `rated ${state.rating} or higher`;
    list.push({ kind: "rating", value, rest: { ...state, rating: null } });
  }
  return list;
}

function yearsText(from: number | null, to: number | null): string {
  if (from === to) return String(from);
  if (to === null) return `since ${from}`;
  return from === null ? `until ${to}` : `${from}–${to}`;
}

// A search as the query string of the page: ?q= the query, &avoid=, &like= and &unlike= movie ids, and
// filters such as &genre=, &person= or &year_from=. &interpret=no searches for the query as it is, and
// &titles=no does not take it for a title. A single like= without anything else lists the movies
// similar to that one. Pure: converts in both directions.

import type { LocationQuery, LocationQueryRaw } from "vue-router";

import type { SearchRequest } from "../api/client";

type ListName =
  | "like"
  | "unlike"
  | "genres"
  | "allGenres"
  | "noGenres"
  | "directors"
  | "people"
  | "countries"
  | "languages";
type Range = "year" | "rating" | "runtime" | "votes";
type NumberName = `${Range}${"From" | "To"}`;

export interface SearchState extends Record<ListName, string[]>, Record<NumberName, number | null> {
  query: string;
  avoid: string;
  /** Understand the query; otherwise it is searched for as it is. */
  interpret: boolean;
  /** Movies that the query names come first. */
  titles: boolean;
}

const MAX_MOVIES = 10;
const MAX_NAMES = 20;

/** The parameter of each list, in the order of the address. */
const LISTS: readonly (readonly [ListName, string, number])[] = [
  ["like", "like", MAX_MOVIES],
  ["unlike", "unlike", MAX_MOVIES],
  ["genres", "genre", MAX_NAMES],
  ["allGenres", "genre_all", MAX_NAMES],
  ["noGenres", "no_genre", MAX_NAMES],
  ["directors", "director", MAX_NAMES],
  ["people", "person", MAX_NAMES],
  ["countries", "country", MAX_NAMES],
  ["languages", "language", MAX_NAMES],
];
/** What the numbers of each range look like in the address. */
const RANGES: Readonly<Record<Range, RegExp>> = {
  year: /^\d{1,4}$/,
  rating: /^(?!0(\.0)?$)(\d(\.\d)?|10)$/,
  runtime: /^(?!0+$)([1-5]?\d{1,3}|6000)$/,
  votes: /^[1-9]\d{0,8}$/,
};
const RANGE_NAMES = Object.keys(RANGES) as Range[];

export const EMPTY_STATE: SearchState = {
  query: "",
  avoid: "",
  like: [],
  unlike: [],
  genres: [],
  allGenres: [],
  noGenres: [],
  directors: [],
  people: [],
  countries: [],
  languages: [],
  yearFrom: null,
  yearTo: null,
  ratingFrom: null,
  ratingTo: null,
  runtimeFrom: null,
  runtimeTo: null,
  votesFrom: null,
  votesTo: null,
  interpret: true,
  titles: true,
};

export function readState(query: LocationQuery): SearchState {
  const all = (name: string) => {
    const values = [query[name] ?? []].flat().map((value) => (value ?? "").trim());
    return [...new Set(values)].filter(Boolean);
  };
  const text = (name: string) => all(name)[0] ?? "";
  const state = { ...EMPTY_STATE, query: text("q"), avoid: text("avoid") };
  for (const [name, parameter, most] of LISTS) state[name] = all(parameter).slice(0, most);
  state.unlike = all("unlike")
    .filter((id) => !state.like.includes(id))
    .slice(0, MAX_MOVIES);
  state.noGenres = state.noGenres.filter(
    (genre) => !state.genres.includes(genre) && !state.allGenres.includes(genre),
  );
  for (const range of RANGE_NAMES) {
    const number = (end: string) => {
      const value = text(`${range}_${end}`);
      return RANGES[range].test(value) ? Number(value) : null;
    };
    const [from, to] = [number("from"), number("to")];
    const swapped = from !== null && to !== null && from > to;
    state[`${range}From`] = swapped ? to : from;
    state[`${range}To`] = swapped ? from : to;
  }
  if (state.query) {
    state.interpret = text("interpret") !== "no";
    state.titles = text("titles") !== "no";
  }
  return state;
}

/** The state as the router's query, in a fixed order, so that a search has one address. */
export function writeState(state: SearchState): LocationQueryRaw {
  const written = (value: number | null) => (value === null ? "" : String(value));
  const entries: [string, string | string[]][] = [
    ["q", state.query],
    ["avoid", state.avoid],
    ...LISTS.map(([name, parameter]): [string, string[]] => [parameter, state[name]]),
    ...RANGE_NAMES.flatMap((range): [string, string][] => [
      [`${range}_from`, written(state[`${range}From`])],
      [`${range}_to`, written(state[`${range}To`])],
    ]),
    ["interpret", state.query && !state.interpret ? "no" : ""],
    ["titles", state.query && !state.titles ? "no" : ""],
  ];
  return Object.fromEntries(entries.filter(([, value]) => value.length > 0));
}

export function isSearch(state: SearchState): boolean {
  return state.query !== "" || state.like.length > 0 || state.avoid !== "" || isFiltered(state);
}

export function isFiltered(state: SearchState): boolean {
  const { query, avoid, like, unlike } = EMPTY_STATE;
  return Object.keys(writeState({ ...state, query, avoid, like, unlike })).length > 0;
}

/** The id of the movie whose similar movies are requested; null if the state says anything else. */
export function similarTo(state: SearchState): string | null {
  const other = Object.keys(writeState({ ...state, like: [] })).length > 0;
  return state.like.length === 1 && !other ? (state.like[0] ?? null) : null;
}

/** The search as a request to the API, which accepts no empty text. */
export function toRequest(state: SearchState): SearchRequest {
  const { genres, allGenres, noGenres } = state;
  const range = (name: Range) => ({ gte: state[`${name}From`], lte: state[`${name}To`] });
  return {
    ...(state.query && { query: state.query }),
    ...(state.avoid && { avoid: state.avoid }),
    like: state.like,
    unlike: state.unlike,
    filters: {
      genres: { any: genres, all: allGenres, none: noGenres },
      directors: { any: state.directors },
      people: { any: state.people },
      countries: { any: state.countries },
      languages: { any: state.languages },
      year: range("year"),
      rating: range("rating"),
      runtime: range("runtime"),
      votes: range("votes"),
    },
    ...(!state.interpret && { interpret: false }),
    ...(!state.titles && { titles: [] }),
  };
}

/** The search with one more liked or disliked movie; drops the oldest if there are too many. */
export function withMovie(state: SearchState, id: string, liked: boolean): SearchState {
  const like = state.like.filter((other) => other !== id);
  const unlike = state.unlike.filter((other) => other !== id);
  (liked ? like : unlike).push(id);
  return { ...state, like: like.slice(-MAX_MOVIES), unlike: unlike.slice(-MAX_MOVIES) };
}

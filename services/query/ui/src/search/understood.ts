// What the API understood of a query, as conditions that can be removed and changed. A change sends
// the other parts back as fields of their own, with the rest of the query as it is. Pure.

import type { Interpretation } from "../api/client";
import { conditions, conditionText, type Condition } from "./conditions";
import { isSearch, type SearchState } from "./state";

/** Fields that state one thing together: a request that sets one of them states all of it. */
const TOGETHER: readonly (readonly (keyof SearchState)[])[] = [
  ["avoid"],
  ["like", "unlike"],
  ["genres", "allGenres", "noGenres"],
  ["directors"],
  ["people"],
  ["countries"],
  ["languages"],
  ["yearFrom", "yearTo"],
  ["ratingFrom", "ratingTo"],
  ["runtimeFrom", "runtimeTo"],
  ["votesFrom", "votesTo"],
];

const RELAXED: Readonly<Record<string, string>> = {
  votes: "the number of votes",
  rating: "the rating",
  runtime: "the running time",
  languages: "the language",
  countries: "the country",
  people: "the cast",
  directors: "the director",
  genres: "the genre",
  year: "the year",
};

/** The same search with everything that was understood as fields of its own. */
export function stated(state: SearchState, interpretation: Interpretation): SearchState {
  const { text, filters, avoid, like } = interpretation;
  const { genres, directors, people, countries, languages, year, rating, runtime, votes } = filters;
  return {
    ...state,
    query: text,
    avoid: state.avoid || (avoid ?? ""),
    like: joined(state.like, like).filter((id) => !state.unlike.includes(id)),
    genres: joined(state.genres, genres?.any),
    allGenres: joined(state.allGenres, genres?.all),
    noGenres: joined(state.noGenres, genres?.none),
    directors: joined(state.directors, directors?.any),
    people: joined(state.people, people?.any),
    countries: joined(state.countries, countries?.any),
    languages: joined(state.languages, languages?.any),
    yearFrom: state.yearFrom ?? year?.gte ?? null,
    yearTo: state.yearTo ?? year?.lte ?? null,
    ratingFrom: state.ratingFrom ?? rating?.gte ?? null,
    ratingTo: state.ratingTo ?? rating?.lte ?? null,
    runtimeFrom: state.runtimeFrom ?? runtime?.gte ?? null,
    runtimeTo: state.runtimeTo ?? runtime?.lte ?? null,
    votesFrom: state.votesFrom ?? votes?.gte ?? null,
    votesTo: state.votesTo ?? votes?.lte ?? null,
    interpret: false,
  };
}

function joined(own: string[], understood: readonly string[] = []): string[] {
  return [...new Set([...own, ...understood])];
}

/** What was understood, less what the search states itself. */
export function understoodConditions(
  state: SearchState,
  interpretation: Interpretation,
): Condition[] {
  const all = stated(state, interpretation);
  const { titles, text, corrections } = interpretation;
  const name = (condition: Condition) => conditionText(condition, (id) => id);
  const own = new Set(conditions(state).map(name));
  const list = conditions(all).filter((condition) => !own.has(name(condition)));
  const [first, ...others] = titles;
  if (first !== undefined) {
    const suffix = others.length ? ` and ${others.length} more` : "";
    const rest = { ...all, titles: false };
    list.unshift({ kind: "titles", prefix: "the movie ", value: first, suffix, rest });
  } else if (text && !sameText(text, corrected(state.query, corrections))) {
    list.unshift({ kind: "text", prefix: "", value: `“${text}”`, rest: { ...all, query: "" } });
  }
  return list.map((condition) => ({ ...condition, rest: searchable(condition.rest, state) }));
}

/** A search that has nothing left searches for the words as they were typed. */
function searchable(rest: SearchState, typed: SearchState): SearchState {
  return isSearch(rest) ? rest : { ...rest, query: typed.query };
}

function sameText(text: string, other: string): boolean {
  const words = (words: string) => words.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  return words(text).join(" ") === words(other).join(" ");
}

/** The query with its corrections. */
export function corrected(query: string, corrections: Interpretation["corrections"]): string {
  const byWord = new Map(corrections.map(({ from, to }) => [from.toLowerCase(), to]));
  const word = /[\p{L}\p{N}\p{M}]+(?:['’-][\p{L}\p{N}\p{M}]+)*/gu;
  return query.replace(word, (found) => byWord.get(found.toLowerCase()) ?? found);
}

/** The constraints that were dropped, in words; empty when there are none. */
export function relaxedText(relaxed: readonly string[]): string {
  if (relaxed.length === 0) return "";
  const names = relaxed.map((kind) => RELAXED[kind] ?? kind);
  const [last, ...others] = names.reverse();
  const list = others.length ? `${others.reverse().join(", ")} and ${last}` : last;
  const were = names.length === 1 ? "was" : "were";
  return `No movie meets every condition, so ${list} ${were} left out.`;
}

/**
 * Change a search. Where the change concerns something that was understood, all that was understood
 * becomes part of the search, as the API would let the change replace it.
 */
export function changed(
  state: SearchState,
  interpretation: Interpretation | null,
  change: (state: SearchState) => SearchState,
): SearchState {
  if (interpretation === null) return change(state);
  const all = stated(state, interpretation);
  const after = change(all);
  const differs = (one: SearchState, other: SearchState, names: readonly (keyof SearchState)[]) =>
    names.some((name) => String(one[name]) !== String(other[name]));
  const isConcerned = TOGETHER.some(
    (names) => differs(state, all, names) && differs(all, after, names),
  );
  return isConcerned ? searchable(after, state) : change(state);
}

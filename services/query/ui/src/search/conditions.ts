// The conditions of a search besides its query: what each is called, and the search without it. Pure.

import { EMPTY_STATE, type SearchState } from "./state";

export type ConditionKind =
  | "text"
  | "titles"
  | "like"
  | "unlike"
  | "avoid"
  | "genre"
  | "noGenre"
  | "director"
  | "person"
  | "country"
  | "language"
  | "years"
  | "rating"
  | "runtime"
  | "votes";

export interface Condition {
  kind: ConditionKind;
  /** What stands before the value. */
  prefix: string;
  /** A movie id for `titles`, `like` and `unlike`, otherwise text. */
  value: string;
  /** What stands behind the value. */
  suffix?: string;
  /** The search without this condition. */
  rest: SearchState;
}

const OF_MOVIES: ReadonlySet<ConditionKind> = new Set(["titles", "like", "unlike"]);

/** A condition in words. */
export function conditionText(
  { kind, prefix, value, suffix = "" }: Condition,
  titleOf: (id: string) => string,
): string {
  return prefix + (OF_MOVIES.has(kind) ? titleOf(value) : value) + suffix;
}

/** The conditions of a search besides its query, each of which can be removed. */
export function conditions(state: SearchState): Condition[] {
  type ListName = {
    [K in keyof SearchState]: SearchState[K] extends string[] ? K : never;
  }[keyof SearchState];
  /** One condition for each value; of several alternatives, the others begin with "or". */
  const each = (kind: ConditionKind, name: ListName, prefix: string, or = ""): Condition[] =>
    state[name].map((value, n) => ({
      kind,
      prefix: (n > 0 ? or : "") + prefix,
      value,
      rest: { ...state, [name]: state[name].filter((other) => other !== value) },
    }));
  const together = (kind: ConditionKind, name: ListName, prefix: string): Condition[] =>
    state[name].length === 0
      ? []
      : [{ kind, prefix, value: state[name].join(" or "), rest: { ...state, [name]: [] } }];
  const one = (kind: ConditionKind, value: string, without: Partial<SearchState>, prefix = "") =>
    value === "" ? [] : [{ kind, prefix, value, rest: { ...state, ...without } }];
  const { yearFrom, yearTo, ratingFrom, ratingTo, runtimeFrom, runtimeTo, votesFrom, votesTo } =
    EMPTY_STATE;
  return [
    ...each("like", "like", "like "),
    ...each("unlike", "unlike", "not like "),
    ...one("avoid", state.avoid, { avoid: "" }, "avoid "),
    ...each("genre", "genres", "", "or "),
    ...each("genre", "allGenres", ""),
    ...each("noGenre", "noGenres", "no "),
    ...each("director", "directors", "by ", "or "),
    ...each("person", "people", "with ", "or "),
    ...together("country", "countries", "from "),
    ...together("language", "languages", "in "),
    ...one("years", yearsText(state.yearFrom, state.yearTo), { yearFrom, yearTo }),
    ...one("rating", ratingText(state.ratingFrom, state.ratingTo), { ratingFrom, ratingTo }),
    ...one("runtime", limitsText(state.runtimeFrom, state.runtimeTo, "minutes"), {
      runtimeFrom,
      runtimeTo,
    }),
    ...one("votes", limitsText(state.votesFrom, state.votesTo, "votes"), { votesFrom, votesTo }),
  ];
}

type Limit = number | null;

function yearsText(from: Limit, to: Limit): string {
  if (from === to) return from === null ? "" : String(from);
  if (to === null) return `since ${from}`;
  if (from === null) return `until ${to}`;
  return from % 10 === 0 && to === from + 9 ? `${from}s` : `${from}–${to}`;
}

function ratingText(from: Limit, to: Limit): string {
  if (from === null) return to === null ? "" : `rated ${to} or lower`;
  return to === null ? `rated ${from} or higher` : `rated ${from}–${to}`;
}

function limitsText(from: Limit, to: Limit, unit: string): string {
  const [least, most] = [from?.toLocaleString(), to?.toLocaleString()];
  if (from === null) return to === null ? "" : `at most ${most} ${unit}`;
  if (to === null) return `at least ${least} ${unit}`;
  return from === to ? `${least} ${unit}` : `${least}–${most} ${unit}`;
}

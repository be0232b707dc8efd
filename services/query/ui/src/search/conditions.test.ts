import { describe, expect, it } from "vitest";

import { conditions, conditionText } from "./conditions";
import { EMPTY_STATE, type SearchState } from "./state";

const EVERYTHING: SearchState = {
  query: "a small, sad story & hope",
  avoid: "gore",
  like: ["tt1", "tt2"],
  unlike: ["nm:3"],
  genres: ["Drama", "Sci-Fi"],
  allGenres: ["War"],
  noGenres: ["Horror"],
  directors: ["Ida Lupino"],
  people: ["Setsuko Hara", "Chishū Ryū"],
  countries: ["Germany", "West Germany"],
  languages: ["Japanese"],
  yearFrom: 1980,
  yearTo: 1999,
  ratingFrom: 7.5,
  ratingTo: null,
  runtimeFrom: null,
  runtimeTo: 90,
  votesFrom: 1000,
  votesTo: null,
  interpret: true,
  titles: true,
};
const texts = (state: Partial<SearchState>) =>
  conditions({ ...EMPTY_STATE, ...state }).map((one) => conditionText(one, (id) => `<${id}>`));

describe("conditions", () => {
  it("are named in words", () => {
    expect(texts(EVERYTHING)).toEqual([
      ...["like <tt1>", "like <tt2>", "not like <nm:3>", "avoid gore"],
      ...["Drama", "or Sci-Fi", "War", "no Horror"],
      ...["by Ida Lupino", "with Setsuko Hara", "or with Chishū Ryū"],
      ...["from Germany or West Germany", "in Japanese"],
      ...["1980–1999", "rated 7.5 or higher", "at most 90 minutes", "at least 1,000 votes"],
    ]);
    expect(texts({})).toEqual([]);
  });

  it("can be removed one by one until only the query is left", () => {
    let state = EVERYTHING;
    let removed = 0;
    for (let [first] = conditions(state); first; [first] = conditions(state)) {
      removed += 1;
      state = first.rest;
    }
    expect(removed).toBe(texts(EVERYTHING).length);
    expect(state).toEqual({ ...EMPTY_STATE, query: EVERYTHING.query });
  });

  it.each([
    [{ yearFrom: 1980, yearTo: 1990 }, "1980–1990"],
    [{ yearFrom: 1980, yearTo: 1989 }, "1980s"],
    [{ yearFrom: 1980 }, "since 1980"],
    [{ yearTo: 1990 }, "until 1990"],
    [{ yearFrom: 1984, yearTo: 1984 }, "1984"],
    [{ ratingFrom: 7.5 }, "rated 7.5 or higher"],
    [{ ratingTo: 5 }, "rated 5 or lower"],
    [{ ratingFrom: 5, ratingTo: 6 }, "rated 5–6"],
    [{ runtimeFrom: 150 }, "at least 150 minutes"],
    [{ runtimeFrom: 80, runtimeTo: 100 }, "80–100 minutes"],
    [{ runtimeFrom: 90, runtimeTo: 90 }, "90 minutes"],
    [{ votesTo: 500 }, "at most 500 votes"],
  ])("%o is shown as %s", (filter, text) => {
    expect(texts(filter)).toEqual([text]);
  });
});

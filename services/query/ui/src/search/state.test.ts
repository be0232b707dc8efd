import { describe, expect, it } from "vitest";
import { createMemoryHistory, createRouter, parseQuery, stringifyQuery } from "vue-router";

import {
  conditions,
  isFiltered,
  isSearch,
  NOTHING,
  readState,
  similarTo,
  toRequest,
  withFilm,
  writeState,
  type SearchState,
} from "./state";

const read = (search: string) => readState(parseQuery(search));
const address = (state: SearchState) => stringifyQuery(writeState(state));

const EVERYTHING: SearchState = {
  query: "a small, sad story & hope",
  avoid: "gore",
  like: ["tt1", "tt2"],
  unlike: ["nm:3"],
  genres: ["Drama", "Sci-Fi"],
  noGenres: ["Horror"],
  from: 1980,
  to: 1999,
  rating: 7.5,
};

describe("the address", () => {
  it("says all of a search, and nothing of what is not in it", () => {
    expect(read(address(EVERYTHING))).toEqual(EVERYTHING);
    expect(read("")).toEqual(NOTHING);
    expect(address(NOTHING)).toBe("");
    expect(address({ ...NOTHING, query: "sweat and stairs" })).toBe("q=sweat+and+stairs");
  });

  it("is the one that the former page had", () => {
    const search =
      "q=rain&avoid=war+%26+boxers&like=tt1&unlike=tt3&genre=Drama&year_from=1980&year_to=1990";
    expect(read(search)).toEqual({
      ...NOTHING,
      query: "rain",
      avoid: "war & boxers",
      like: ["tt1"],
      unlike: ["tt3"],
      genres: ["Drama"],
      from: 1980,
      to: 1990,
    });
    expect(address(read(search))).toBe(search);
  });

  it("survives the router", async () => {
    const routes = [{ path: "/", component: {} }];
    const router = createRouter({ history: createMemoryHistory(), routes });
    await router.push({ path: "/", query: writeState(EVERYTHING) });
    expect(readState(router.currentRoute.value.query)).toEqual(EVERYTHING);
  });

  it("is read kindly: what makes no sense is left out", () => {
    expect(read("q=%20%20&year_from=soon&year_to=20000&rating_from=11&like=&unlike")).toEqual(
      NOTHING,
    );
    expect(read("like=a&like=a&unlike=a&unlike=b")).toMatchObject({ like: ["a"], unlike: ["b"] });
    expect(read("genre=Drama&no_genre=Drama").noGenres).toEqual([]);
    expect(read("year_from=1990&year_to=1980")).toMatchObject({ from: 1980, to: 1990 });
    const many = Array.from({ length: 15 }, (_, n) => `like=tt${n}`).join("&");
    expect(read(many).like).toHaveLength(10);
  });
});

describe("a search", () => {
  it("is by words or by films", () => {
    expect(isSearch(NOTHING)).toBe(false);
    expect(isSearch({ ...NOTHING, avoid: "gore", genres: ["Drama"] })).toBe(false);
    expect(isSearch({ ...NOTHING, query: "x" })).toBe(true);
    expect(isSearch({ ...NOTHING, like: ["tt1"] })).toBe(true);
  });

  it("for one film alone is the list of what is similar", () => {
    const one = { ...NOTHING, like: ["tt1"] };
    expect(similarTo(one)).toBe("tt1");
    for (const more of [
      { query: "x" },
      { avoid: "x" },
      { unlike: ["x"] },
      { genres: ["x"] },
      { noGenres: ["x"] },
      { from: 1 },
      { to: 1 },
      { rating: 1 },
      { like: ["tt1", "tt2"] },
      { like: [] },
    ]) {
      expect(similarTo({ ...one, ...more })).toBeNull();
    }
  });

  it("is filtered by each of its filters", () => {
    expect(isFiltered({ ...NOTHING, query: "x", avoid: "y", like: ["z"] })).toBe(false);
    for (const filter of [{ genres: ["x"] }, { noGenres: ["x"] }, { from: 0 }, { rating: 1 }]) {
      expect(isFiltered({ ...NOTHING, ...filter })).toBe(true);
    }
  });

  it("is what the API takes", () => {
    expect(toRequest(EVERYTHING)).toEqual({
      query: EVERYTHING.query,
      avoid: "gore",
      like: ["tt1", "tt2"],
      unlike: ["nm:3"],
      filters: {
        genres: { any: ["Drama", "Sci-Fi"], none: ["Horror"] },
        year: { gte: 1980, lte: 1999 },
        rating: { gte: 7.5 },
      },
    });
    // The API refuses empty texts.
    expect(toRequest(NOTHING)).not.toHaveProperty("query");
    expect(toRequest(NOTHING)).not.toHaveProperty("avoid");
  });

  it("takes a film to one side only, and the oldest gives way", () => {
    const liked = withFilm({ ...NOTHING, unlike: ["tt1"] }, "tt1", true);
    expect(liked).toMatchObject({ like: ["tt1"], unlike: [] });
    expect(withFilm(liked, "tt1", false)).toMatchObject({ like: [], unlike: ["tt1"] });
    const full = { ...NOTHING, like: Array.from({ length: 10 }, (_, n) => `tt${n}`) };
    expect(withFilm(full, "new", true).like).toEqual([...full.like.slice(1), "new"]);
  });
});

describe("conditions", () => {
  it("can be taken off one by one, until the words are left", () => {
    let state = EVERYTHING;
    const taken: string[] = [];
    for (let [first] = conditions(state); first; [first] = conditions(state)) {
      taken.push(first.kind);
      state = first.rest;
    }
    expect(taken).toEqual([
      ...["like", "like", "unlike", "avoid", "genre", "genre", "noGenre", "years", "rating"],
    ]);
    expect(state).toEqual({ ...NOTHING, query: EVERYTHING.query });
  });

  it.each([
    [{ from: 1980, to: 1990 }, "1980–1990"],
    [{ from: 1980 }, "since 1980"],
    [{ to: 1990 }, "until 1990"],
    [{ from: 1984, to: 1984 }, "1984"],
    [{ rating: 7.5 }, "rated 7.5 or more"],
  ])("%o is %s", (filter, said) => {
    expect(conditions({ ...NOTHING, ...filter }).map(({ value }) => value)).toEqual([said]);
  });
});

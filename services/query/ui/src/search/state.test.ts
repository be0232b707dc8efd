import { describe, expect, it } from "vitest";
import { createMemoryHistory, createRouter, parseQuery, stringifyQuery } from "vue-router";

import {
  conditions,
  isFiltered,
  isSearch,
  EMPTY_STATE,
  readState,
  similarTo,
  toRequest,
  withMovie,
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
  it("contains all of a search and no empty parameters", () => {
    expect(read(address(EVERYTHING))).toEqual(EVERYTHING);
    expect(read("")).toEqual(EMPTY_STATE);
    expect(address(EMPTY_STATE)).toBe("");
    expect(address({ ...EMPTY_STATE, query: "sweat and stairs" })).toBe("q=sweat+and+stairs");
  });

  it("is compatible with the addresses of the former page", () => {
    const search =
      "q=rain&avoid=war+%26+boxers&like=tt1&unlike=tt3&genre=Drama&year_from=1980&year_to=1990";
    expect(read(search)).toEqual({
      ...EMPTY_STATE,
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

  it("survives a round trip through the router", async () => {
    const routes = [{ path: "/", component: {} }];
    const router = createRouter({ history: createMemoryHistory(), routes });
    await router.push({ path: "/", query: writeState(EVERYTHING) });
    expect(readState(router.currentRoute.value.query)).toEqual(EVERYTHING);
  });

  it("is read leniently: invalid values are ignored", () => {
    expect(read("q=%20%20&year_from=soon&year_to=20000&rating_from=11&like=&unlike")).toEqual(
      EMPTY_STATE,
    );
    expect(read("like=a&like=a&unlike=a&unlike=b")).toMatchObject({ like: ["a"], unlike: ["b"] });
    expect(read("genre=Drama&no_genre=Drama").noGenres).toEqual([]);
    expect(read("year_from=1990&year_to=1980")).toMatchObject({ from: 1980, to: 1990 });
    const many = Array.from({ length: 15 }, (_, n) => `like=tt${n}`).join("&");
    expect(read(many).like).toHaveLength(10);
  });
});

describe("a search", () => {
  it("has a query or liked movies", () => {
    expect(isSearch(EMPTY_STATE)).toBe(false);
    expect(isSearch({ ...EMPTY_STATE, avoid: "gore", genres: ["Drama"] })).toBe(false);
    expect(isSearch({ ...EMPTY_STATE, query: "x" })).toBe(true);
    expect(isSearch({ ...EMPTY_STATE, like: ["tt1"] })).toBe(true);
  });

  it("with only one liked movie lists similar movies", () => {
    const one = { ...EMPTY_STATE, like: ["tt1"] };
    expect(similarTo(one)).toBe("tt1");
    for (const other of [
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
      expect(similarTo({ ...one, ...other })).toBeNull();
    }
  });

  it("counts as filtered with any filter", () => {
    expect(isFiltered({ ...EMPTY_STATE, query: "x", avoid: "y", like: ["z"] })).toBe(false);
    for (const filter of [{ genres: ["x"] }, { noGenres: ["x"] }, { from: 0 }, { rating: 1 }]) {
      expect(isFiltered({ ...EMPTY_STATE, ...filter })).toBe(true);
    }
  });

  it("converts to a request of the API", () => {
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
    // The API rejects empty texts.
    expect(toRequest(EMPTY_STATE)).not.toHaveProperty("query");
    expect(toRequest(EMPTY_STATE)).not.toHaveProperty("avoid");
  });

  it("likes or dislikes a movie, not both, and drops the oldest of too many", () => {
    const liked = withMovie({ ...EMPTY_STATE, unlike: ["tt1"] }, "tt1", true);
    expect(liked).toMatchObject({ like: ["tt1"], unlike: [] });
    expect(withMovie(liked, "tt1", false)).toMatchObject({ like: [], unlike: ["tt1"] });
    const full = { ...EMPTY_STATE, like: Array.from({ length: 10 }, (_, n) => `tt${n}`) };
    expect(withMovie(full, "new", true).like).toEqual([...full.like.slice(1), "new"]);
  });
});

describe("conditions", () => {
  it("can be removed one by one until only the query is left", () => {
    let state = EVERYTHING;
    const removed: string[] = [];
    for (let [first] = conditions(state); first; [first] = conditions(state)) {
      removed.push(first.kind);
      state = first.rest;
    }
    expect(removed).toEqual([
      ...["like", "like", "unlike", "avoid", "genre", "genre", "noGenre", "years", "rating"],
    ]);
    expect(state).toEqual({ ...EMPTY_STATE, query: EVERYTHING.query });
  });

  it.each([
    [{ from: 1980, to: 1990 }, "1980–1990"],
    [{ from: 1980 }, "since 1980"],
    [{ to: 1990 }, "until 1990"],
    [{ from: 1984, to: 1984 }, "1984"],
    [{ rating: 7.5 }, "rated 7.5 or higher"],
  ])("%o is shown as %s", (filter, text) => {
    expect(conditions({ ...EMPTY_STATE, ...filter }).map(({ value }) => value)).toEqual([text]);
  });
});

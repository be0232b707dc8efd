import { describe, expect, it } from "vitest";
import { createMemoryHistory, createRouter, parseQuery, stringifyQuery } from "vue-router";

import {
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
  allGenres: ["War"],
  noGenres: ["Horror"],
  directors: ["Ida Lupino"],
  people: ["Setsuko Hara", "Chishū Ryū"],
  countries: ["Japan"],
  languages: ["Japanese"],
  yearFrom: 1980,
  yearTo: 1999,
  ratingFrom: 7.5,
  ratingTo: 9,
  runtimeFrom: 60,
  runtimeTo: 120,
  votesFrom: 1000,
  votesTo: 20_000,
  interpret: false,
  titles: false,
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
      yearFrom: 1980,
      yearTo: 1990,
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
    const wrong = "year_from=soon&year_to=20000&rating_from=11&runtime_to=6001&votes_from=-1";
    expect(read(`q=%20%20&${wrong}&like=&unlike&runtime_from=0&rating_to=0.0`)).toEqual(
      EMPTY_STATE,
    );
    expect(read("interpret=no&titles=no")).toEqual(EMPTY_STATE); // there is no query
    expect(read("q=x&interpret=maybe&titles=yes")).toEqual({ ...EMPTY_STATE, query: "x" });
    expect(read("like=a&like=a&unlike=a&unlike=b")).toMatchObject({ like: ["a"], unlike: ["b"] });
    expect(read("genre=Drama&no_genre=Drama").noGenres).toEqual([]);
    expect(read("genre_all=Drama&no_genre=Drama").noGenres).toEqual([]);
    expect(read("year_from=1990&year_to=1980")).toMatchObject({ yearFrom: 1980, yearTo: 1990 });
    const many = Array.from({ length: 15 }, (_, n) => `like=tt${n}`).join("&");
    expect(read(many).like).toHaveLength(10);
  });
});

describe("a search", () => {
  it("has a query, liked movies, something to avoid, or filters", () => {
    expect(isSearch(EMPTY_STATE)).toBe(false);
    expect(isSearch({ ...EMPTY_STATE, unlike: ["tt1"], interpret: false })).toBe(false);
    expect(isSearch({ ...EMPTY_STATE, avoid: "gore" })).toBe(true);
    expect(isSearch({ ...EMPTY_STATE, people: ["Setsuko Hara"] })).toBe(true);
    expect(isSearch({ ...EMPTY_STATE, query: "x" })).toBe(true);
    expect(isSearch({ ...EMPTY_STATE, like: ["tt1"] })).toBe(true);
  });

  it("with only one liked movie lists similar movies", () => {
    const one = { ...EMPTY_STATE, like: ["tt1"] };
    expect(similarTo(one)).toBe("tt1");
    expect(similarTo({ ...one, interpret: false })).toBe("tt1");
    for (const other of [
      { query: "x" },
      { avoid: "x" },
      { unlike: ["x"] },
      { genres: ["x"] },
      { noGenres: ["x"] },
      { allGenres: ["x"] },
      { people: ["x"] },
      { yearFrom: 1 },
      { yearTo: 1 },
      { ratingFrom: 1 },
      { runtimeTo: 1 },
      { like: ["tt1", "tt2"] },
      { like: [] },
    ]) {
      expect(similarTo({ ...one, ...other })).toBeNull();
    }
  });

  it("counts as filtered with any filter", () => {
    expect(isFiltered({ ...EMPTY_STATE, query: "x", avoid: "y", like: ["z"] })).toBe(false);
    for (const filter of [
      { genres: ["x"] },
      { noGenres: ["x"] },
      { yearFrom: 0 },
      { ratingTo: 1 },
    ]) {
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
        genres: { any: ["Drama", "Sci-Fi"], all: ["War"], none: ["Horror"] },
        directors: { any: ["Ida Lupino"] },
        people: { any: ["Setsuko Hara", "Chishū Ryū"] },
        countries: { any: ["Japan"] },
        languages: { any: ["Japanese"] },
        year: { gte: 1980, lte: 1999 },
        rating: { gte: 7.5, lte: 9 },
        runtime: { gte: 60, lte: 120 },
        votes: { gte: 1000, lte: 20_000 },
      },
      interpret: false,
      titles: [],
    });
    // The API rejects empty texts.
    expect(toRequest(EMPTY_STATE)).not.toHaveProperty("query");
    expect(toRequest(EMPTY_STATE)).not.toHaveProperty("avoid");
    // Defaults of the API.
    expect(toRequest(EMPTY_STATE)).not.toHaveProperty("interpret");
    expect(toRequest(EMPTY_STATE)).not.toHaveProperty("titles");
  });

  it("likes or dislikes a movie, not both, and drops the oldest of too many", () => {
    const liked = withMovie({ ...EMPTY_STATE, unlike: ["tt1"] }, "tt1", true);
    expect(liked).toMatchObject({ like: ["tt1"], unlike: [] });
    expect(withMovie(liked, "tt1", false)).toMatchObject({ like: [], unlike: ["tt1"] });
    const full = { ...EMPTY_STATE, like: Array.from({ length: 10 }, (_, n) => `tt${n}`) };
    expect(withMovie(full, "new", true).like).toEqual([...full.like.slice(1), "new"]);
  });
});

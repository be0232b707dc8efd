import { describe, expect, it } from "vitest";

import type { Interpretation } from "../api/client";
import { conditionText } from "./conditions";
import { EMPTY_STATE, isSearch, writeState, type SearchState } from "./state";
import { changed, corrected, relaxedText, stated, understoodConditions } from "./understood";

const NOTHING: Interpretation = {
  text: "",
  corrections: [],
  filters: {},
  avoid: null,
  like: [],
  titles: [],
  relaxed: [],
};
const SCARY: Interpretation = {
  ...NOTHING,
  text: "scary",
  corrections: [{ from: "hitchcok", to: "hitchcock" }],
  filters: {
    year: { gte: 1960, lte: 1969 },
    genres: { any: ["Horror", "Thriller"], all: [], none: ["Romance"] },
    directors: { any: ["Alfred Hitchcock"] },
    runtime: { gte: null, lte: 90 },
  },
  avoid: "gory",
  like: ["tt1"],
};
const typed = (query: string, more: Partial<SearchState> = {}): SearchState => ({
  ...EMPTY_STATE,
  query,
  ...more,
});
const text = (state: SearchState, interpretation: Interpretation) =>
  understoodConditions(state, interpretation).map((one) => conditionText(one, (id) => `<${id}>`));

describe("what was understood", () => {
  const state = typed("scary 60s hitchcok, like Psycho, not gory, no romance");

  it("becomes fields of the search", () => {
    expect(writeState(stated(state, SCARY))).toEqual({
      q: "scary",
      avoid: "gory",
      like: ["tt1"],
      genre: ["Horror", "Thriller"],
      no_genre: ["Romance"],
      director: ["Alfred Hitchcock"],
      year_from: "1960",
      year_to: "1969",
      runtime_to: "90",
      interpret: "no",
    });
  });

  it("is a condition for every part", () => {
    expect(text(state, SCARY)).toEqual([
      ...["“scary”", "like <tt1>", "avoid gory", "Horror", "or Thriller", "no Romance"],
      ...["by Alfred Hitchcock", "1960s", "at most 90 minutes"],
    ]);
  });

  it("leaves out what the search states itself", () => {
    const own = typed("scary 60s", { genres: ["Horror"], unlike: ["tt1"] });
    expect(text(own, SCARY)).not.toContain("Horror");
    expect(text(own, SCARY)).not.toContain("like <tt1>"); // the API refuses both
  });

  it("is kept but for the part that is removed", () => {
    for (const condition of understoodConditions(state, SCARY)) {
      const all = stated(state, SCARY);
      expect(condition.rest.interpret).toBe(false);
      expect(isSearch(condition.rest)).toBe(true);
      const differing = Object.keys(all).filter(
        (name) =>
          String(all[name as keyof SearchState]) !==
          String(condition.rest[name as keyof SearchState]),
      );
      expect(differing.length).toBeGreaterThan(0);
      expect(differing.length).toBeLessThanOrEqual(2); // both ends of a range
    }
  });

  it("removed altogether leaves the words as they were typed", () => {
    const state = typed("90s movies");
    const filters = { year: { gte: 1990, lte: 1999 } };
    const [years, ...others] = understoodConditions(state, { ...NOTHING, filters });
    expect(others).toEqual([]);
    expect(years?.rest).toEqual(typed("90s movies", { interpret: false }));
  });

  it("may be a title, which can be taken for a description instead", () => {
    const titled = { ...NOTHING, text: "seven", titles: ["tt7", "tt8"] };
    expect(text(typed("seven"), titled)).toEqual(["the movie <tt7> and 1 more"]);
    const [title] = understoodConditions(typed("seven"), titled);
    expect(title?.rest).toEqual(typed("seven", { interpret: false, titles: false }));
  });

  it("does not repeat a query of which all is searched", () => {
    const slip = {
      ...NOTHING,
      text: "a thriller",
      corrections: [{ from: "thriler", to: "thriller" }],
    };
    expect(text(typed("A thriler!"), slip)).toEqual([]);
  });
});

describe("a change of a search", () => {
  const state = typed("scary 60s hitchcok");

  it("of something understood keeps all that was understood", () => {
    const after = changed(state, SCARY, (all) => ({ ...all, yearTo: 1975 }));
    expect(after).toEqual({ ...stated(state, SCARY), yearTo: 1975 });
    const without = changed(state, SCARY, (all) => ({ ...all, avoid: "" }));
    expect(without).toEqual({ ...stated(state, SCARY), avoid: "" });
  });

  it("of anything else leaves the query to be understood", () => {
    const after = changed(state, SCARY, (all) => ({ ...all, ratingFrom: 7 }));
    expect(after).toEqual({ ...state, ratingFrom: 7 });
    expect(changed(state, null, (all) => ({ ...all, yearTo: 1975 }))).toEqual({
      ...state,
      yearTo: 1975,
    });
  });

  it("of one end of a range keeps the other end", () => {
    const since = { ...NOTHING, text: "calm", filters: { year: { gte: 1990, lte: null } } };
    const after = changed(typed("calm since 1990"), since, (all) => ({ ...all, yearTo: 1999 }));
    expect(after).toMatchObject({ yearFrom: 1990, yearTo: 1999, query: "calm" });
  });
});

it("corrects whole words, whatever their case", () => {
  const corrections = [{ from: "Hitchcok", to: "hitchcock" }];
  expect(corrected("hitchcok's HITCHCOK, hitchcoks", corrections)).toBe(
    "hitchcok's hitchcock, hitchcoks",
  );
});

it("says in words what was left out", () => {
  expect(relaxedText([])).toBe("");
  expect(relaxedText(["year"])).toBe("No movie meets every condition, so the year was left out.");
  expect(relaxedText(["votes", "runtime", "year"])).toBe(
    "No movie meets every condition, so the number of votes, the running time and the year were left out.",
  );
});

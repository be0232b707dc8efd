import { describe, expect, it } from "vitest";

import { isFromTmdb, sourceLinkText } from "./hosts";
import { plural } from "./numbers";

it("writes the plural for every count except one", () => {
  expect(plural(1, "review")).toBe("1 review");
  expect(plural(0, "review")).toBe("0 reviews");
  expect(plural(2, "review")).toBe("2 reviews");
});

describe("the text of a link to a source", () => {
  it.each([
    ["https://www.films.example/tt1", "View on films.example"],
    ["http://127.0.0.1:8765/films/1", "View original page"],
    ["http://localhost:8765/films/1", "View original page"],
    ["http://[::1]:8765/films/1", "View original page"],
    ["not a URL", ""],
    [null, ""],
  ])("for %s is %j", (url, text) => {
    expect(sourceLinkText(url)).toBe(text);
  });
});

describe("whether TMDB is to be credited", () => {
  it.each([
    ["https://www.themoviedb.org/movie/278", null, true],
    ["https://films.example/1", "https://image.tmdb.org/t/p/w342/a.jpg", true],
    ["https://nottmdb.org/1", "https://themoviedb.org.example/a.jpg", false],
    [null, "not a URL", false],
  ])("for %s and %s it is %j", (url, poster_url, due) => {
    expect(isFromTmdb({ url, poster_url })).toBe(due);
  });
});

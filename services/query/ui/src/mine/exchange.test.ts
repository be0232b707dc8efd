import { describe, expect, it } from "vitest";

import { isJson, readMarks, step, UnreadableFile, written } from "./exchange";
import { unmarked, type Mark } from "./marks";

const MARKS: Mark[] = [
  { ...unmarked({ movieId: "tt1", title: "Rain", year: 1984 }), rating: 8, seen: true },
  {
    ...unmarked({ movieId: "nm:2", title: "“Snow”", year: null }),
    saved: true,
    changedMs: 86_400_000,
  },
];
const text = written(MARKS, new Date(0));
const changed = (edit: (file: Record<string, unknown>) => void) => {
  const file = JSON.parse(text) as Record<string, unknown>;
  edit(file);
  return JSON.stringify(file);
};
const withMovie = (fields: object) =>
  changed((file) => {
    file["movies"] = [{ movie_id: "tt1", changed: "2026-01-31T20:00:00Z", ...fields }];
  });

describe("an exported file", () => {
  it("has all marks, and says what it is", () => {
    expect(readMarks(text)).toEqual(MARKS);
    expect(JSON.parse(text)).toMatchObject({
      format: "semantic-movie-search/my-movies",
      version: 1,
      exported: "1970-01-01T00:00:00.000Z",
    });
    expect(isJson(text)).toBe(true);
    expect(isJson("Date,Name,Year")).toBe(false);
  });

  it("may lack what is not marked, and may have more than is known here", () => {
    expect(readMarks(withMovie({ seen: true, mood: "blue" }))).toEqual([
      {
        ...unmarked({ movieId: "tt1", title: "tt1", year: null }),
        seen: true,
        changedMs: Date.parse("2026-01-31T20:00:00Z"),
      },
    ]);
  });

  it.each([
    ["{", "not valid JSON"],
    ["[]", "must be an object"],
    ['{"format": "other"}', "no file of My movies"],
    [changed((file) => (file["version"] = 2)), "newer page"],
    [changed((file) => delete file["version"]), '"version" must be 1'],
    [changed((file) => (file["movies"] = {})), "must be a list"],
    [changed((file) => (file["movies"] = [null])), "movies[0] must be an object"],
    [withMovie({ movie_id: "" }), "movies[0].movie_id must be a text"],
    [withMovie({ seen: "yes" }), "movies[0].seen must be true or false"],
    [withMovie({ rating: 11 }), "movies[0].rating must be a whole number from 1 to 10"],
    [withMovie({ rating: 7.5 }), "movies[0].rating"],
    [withMovie({ changed: "yesterday" }), "movies[0].changed must be a time"],
  ])("that is damaged is refused: %s", (damaged, message) => {
    expect(() => readMarks(damaged)).toThrow(UnreadableFile);
    expect(() => readMarks(damaged)).toThrow(message);
  });

  it("replaces older marks only", () => {
    const [mark] = MARKS as [Mark];
    const { change } = step({ ...mark, changedMs: 5 });
    expect(change({ ...mark, rating: 2, changedMs: 4 }).rating).toBe(8);
    expect(change({ ...mark, rating: 2, changedMs: 6 }).rating).toBe(2);
  });
});

import { expect, it } from "vitest";

import { movie } from "../testing";
import { loved, varied } from "./loved";
import { unmarked } from "./marks";

const marked = (id: string, rating: number | null, changedMs = 0) => ({
  ...unmarked({ movieId: id, title: id, year: null }),
  rating,
  changedMs,
});

it("takes what was rated 8 or higher, best and latest first", () => {
  const marks = [
    marked("a", 8, 2),
    marked("b", 7),
    marked("c", 10),
    marked("d", 8, 3),
    marked("e", null),
  ];
  expect(loved(marks).map(({ movieId }) => movieId)).toEqual(["c", "d", "a"]);
});

it("prefers other places on the map, then other genres, then the better rated", () => {
  const movies = [
    movie("war1", { cluster: 1, genres: ["War"] }),
    movie("war2", { cluster: 1, genres: ["War"] }),
    movie("war and love", { cluster: 1, genres: ["War", "Romance"] }),
    movie("elsewhere", { cluster: 2, genres: ["War"] }),
    movie("comedy", { cluster: 1, genres: ["Comedy", "Family"] }),
    movie("unreviewed", { cluster: null, review_count: 0 }),
  ];
  const chosen = (most: number) => varied(movies, most).map(({ movie_id }) => movie_id);
  expect(chosen(2)).toEqual(["war and love", "elsewhere"]);
  expect(chosen(9)).toEqual(["war and love", "elsewhere", "comedy", "war1", "war2"]);
});

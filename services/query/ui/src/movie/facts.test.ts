import { describe, expect, it } from "vitest";

import type { Review } from "../api/client";
import { movie } from "../testing";
import { factsOf, inCommon, sourcesOf } from "./facts";

const words = (fields: Parameters<typeof movie>[1]) =>
  factsOf(movie("tt1", { genres: [], year: null, ...fields })).map(
    ({ name, values }) => `${name}: ${values.map(({ text }) => text).join(", ")}`,
  );

describe("the facts of a movie", () => {
  it("are those that are known", () => {
    expect(words({ review_count: 0 })).toEqual(["Reviews: No reviews yet"]);
    expect(
      words({
        ...{ title: "Rain", original_title: "Regen", runtime_minutes: 121, votes: 1, rating: 7.25 },
        ...{ countries: ["France", "Italy"], languages: ["French"], review_count: 1200 },
      }),
    ).toEqual([
      "Original title: Regen",
      "Running time: 2 h 1 min",
      "Countries: France, Italy",
      "Language: French",
      "Rating: 7.3/10 (1 vote)",
      "Reviews: 1,200",
    ]);
    expect(words({ title: "Rain", original_title: "Rain", runtime_minutes: 60 })).toContain(
      "Running time: 1 h",
    );
  });

  it("lead to searches for the same", () => {
    const facts = factsOf(movie("tt1", { people: ["Ann & Co."], directors: ["Jo"] }));
    const queries = facts.flatMap(({ values }) =>
      values.flatMap(({ query }) => (query ? [query] : [])),
    );
    expect(queries).toEqual([
      { year_from: "1984", year_to: "1984" },
      { genre: "Drama" },
      { director: "Jo" },
      { person: "Ann & Co." },
    ]);
  });
});

describe("what two movies have in common", () => {
  it("is said in words", () => {
    const one = movie("tt1", { directors: ["Jo"], people: ["A", "B", "C"], genres: ["War"] });
    const other = movie("tt2", { directors: ["Jo"], people: ["C", "B", "A"], genres: ["War"] });
    expect(inCommon(one, other)).toBe("Both by Jo, with A and B, War");
    expect(inCommon(one, movie("tt3", { genres: ["Comedy"] }))).toBe("");
  });
});

describe("the sources of a movie", () => {
  const review = (url: string | null) => ({ url }) as Review;

  it("are its sites, each with what comes from it", () => {
    const fields = {
      url: "https://www.films.example/1",
      poster_url: "https://pictures.example/1.jpg",
      poster: "/posters/1.webp",
    };
    const reviews = [
      review("https://films.example/1#r"),
      review("https://blog.example"),
      review(null),
    ];
    expect(sourcesOf(movie("tt1", fields), reviews)).toEqual([
      { host: "films.example", what: "Facts and reviews", url: "https://www.films.example/1" },
      { host: "pictures.example", what: "Picture", url: null },
      { host: "blog.example", what: "Reviews", url: null },
    ]);
  });

  it("are none where no link tells, or a link is none", () => {
    expect(sourcesOf(movie("tt1", { url: "ftp://films.example/1" }), [review("no url")])).toEqual(
      [],
    );
  });
});

import { describe, expect, it } from "vitest";

import { heldClient, movie, settle } from "../testing";
import { csvRows } from "./csv";
import { UnreadableFile } from "./exchange";
import { readListing } from "./listings";
import { unmarked } from "./marks";
import { match } from "./matching";

const entry = (title: string, year: number | null, fields: object = {}) => ({
  ...{ imdbId: "", title, year, seen: true, saved: false, rating: null },
  ...fields,
});

describe("CSV", () => {
  it("may quote commas, quotation marks and line breaks, and end lines in any way", () => {
    const text = '\uFEFFName,Note\r\n"Rain, again","He said ""no""\nand left"\rSnow,\n\n"",x';
    expect(csvRows(text)).toEqual([
      { name: "Rain, again", note: 'He said "no"\nand left' },
      { name: "Snow", note: "" },
      { name: "", note: "x" },
    ]);
  });

  it.each(["", "a", "a,b\n", 'a\n"never closed', 'a,b\n"x"y,z\n1,2', "\n\n", '"', ",\n,"])(
    "that is damaged is read as far as it goes: %j",
    (text) => {
      expect(Array.isArray(csvRows(text))).toBe(true);
    },
  );
});

describe("the lists of other services", () => {
  const letterboxd = "Date,Name,Year,Letterboxd URI";

  it.each([
    [
      "ratings.csv",
      `${letterboxd},Rating\n2026-01-02,Rain Again,1984,https://x.example/1,3.5`,
      ["Letterboxd ratings", [entry("Rain Again", 1984, { rating: 7 })]],
    ],
    [
      "watched.csv",
      `${letterboxd}\n2026-01-02,"Snow, Falling",1999,https://x.example/2`,
      ["Letterboxd watched", [entry("Snow, Falling", 1999)]],
    ],
    [
      "watchlist.csv",
      `${letterboxd}\n2026-01-02,Fog,,https://x.example/3`,
      ["Letterboxd watchlist", [entry("Fog", null, { seen: false, saved: true })]],
    ],
    [
      "diary.csv",
      `${letterboxd},Rating,Rewatch,Tags,Watched Date\n` +
        "2026-01-02,Rain Again,1984,https://x.example/1,4,,,2026-01-01\n" +
        "2026-02-02,Rain Again,1984,https://x.example/4,,Yes,,2026-02-01",
      ["Letterboxd diary", [entry("Rain Again", 1984, { rating: 8 })]],
    ],
    [
      "ratings.csv",
      "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Year\n" +
        "tt0000001,9,2026-01-02,Rain Again,Rain,https://x.example,Movie,7.1,1984\n" +
        "tt0000002,5,2026-01-02,Clouds,Clouds,https://x.example,TV Series,7.1,2001",
      ["IMDb ratings", [entry("Rain Again", 1984, { imdbId: "tt0000001", rating: 9 })]],
    ],
    [
      "watchlist.csv",
      "Position,Const,Created,Title,Title Type,Year,Your Rating,Date Rated\n" +
        "1,tt0000003,2026-01-02,Fog,Movie,1980,,\n2,tt0000001,2026-01-02,Rain Again,Movie,1984,9,2026",
      [
        "IMDb list",
        [
          entry("Fog", 1980, { imdbId: "tt0000003", seen: false, saved: true }),
          entry("Rain Again", 1984, { imdbId: "tt0000001", saved: true, rating: 9 }),
        ],
      ],
    ],
    [
      "ratings-movies.csv",
      "rated_at,type,title,year,rating,trakt_id,imdb_id\n" +
        "2026-01-02T20:00:00Z,movie,Rain Again,1984,6,1,tt0000001\n" +
        "2026-01-02T20:00:00Z,episode,Pilot,2001,6,2,",
      ["Trakt ratings", [entry("Rain Again", 1984, { imdbId: "tt0000001", rating: 6 })]],
    ],
    [
      "watchlist.csv",
      "listed_at,type,title,year,trakt_id,imdb_id\n2026-01-02,movie,Fog,1980,3,",
      ["Trakt watchlist", [entry("Fog", 1980, { seen: false, saved: true })]],
    ],
  ])("are read: %s", (file, text, [name, entries]) => {
    expect(readListing(file, text)).toMatchObject({ name, entries });
  });

  it("say how many rows are of no movie", () => {
    const text = "Const,Your Rating,Title,Title Type\ntt1,5,A,TV Episode\n,5,,Movie\ntt2,5,B,Movie";
    expect(readListing("ratings.csv", text).otherRows).toBe(2);
  });

  it.each(["", "Date,Name,Year,Letterboxd URI\n", "Name,Score\nRain,5"])(
    "are refused when they are something else: %j",
    (text) => {
      expect(() => readListing("x.csv", text)).toThrow(UnreadableFile);
    },
  );
});

describe("matching", () => {
  it("asks for some movies at a time, and lists those that the index does not have", async () => {
    const { client, requests } = heldClient();
    const entries = Array.from({ length: 101 }, (_, n) => entry(`Movie ${n}`, 2000));
    const options = { signal: new AbortController().signal, onWait: () => undefined };
    const matched = match(client, entries, options);
    await settle();
    expect(requests[0]?.body["movies"]).toHaveLength(100);
    await requests[0]?.respond({ movies: entries.slice(0, 100).map((_, n) => movie(`tt${n}`)) });
    expect(requests[1]?.body).toEqual({ movies: [{ title: "Movie 100", year: 2000 }] });
    await requests[1]?.respond({ movies: [null] });
    const { steps, unmatched } = await matched;
    expect(steps).toHaveLength(100);
    expect(unmatched).toEqual([entries[100]]);
    const [first] = steps;
    expect(first?.movie).toEqual({ movieId: "tt0", title: "Movie tt0", year: 1984 });
    expect(first?.change(unmarked({ movieId: "tt0", title: "", year: null })).seen).toBe(true);
  });

  it("asks by id first, and by title and year otherwise", async () => {
    const { client, requests } = heldClient();
    const options = { signal: new AbortController().signal, onWait: () => undefined };
    const entries = [
      entry("Rain", 1984, { imdbId: "tt1" }),
      entry("", null, { imdbId: "tt2" }),
      entry("Fog", null),
    ];
    void match(client, entries, options);
    await settle();
    expect(requests[0]?.body["movies"]).toEqual([
      { id: "tt1", title: "Rain", year: 1984 },
      { id: "tt2" },
      { title: "Fog", year: null },
    ]);
  });
});

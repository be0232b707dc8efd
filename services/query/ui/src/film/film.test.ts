import { describe, expect, it } from "vitest";

import type { Passage, Review } from "../api/client";
import { createMemory } from "../search/memory";
import { NOTHING } from "../search/state";
import { heldClient, hit, movie, similarHit } from "../testing";
import { draw, ems, letter } from "./drawing";
import { numberOf, PALETTES, paletteOf } from "./palette";
import { aroundPassage, summaryOf, tellingPassages } from "./telling";
import { useFilm } from "./useFilm";

const passage = (text: string, review = text): Passage => ({
  review_id: review,
  text,
  rating: null,
  url: null,
});
const alike = (text: string, review = text) =>
  similarHit("x", {
    reason: { this_movie: passage(text, review), other_movie: passage("other"), score: 1 },
  });

describe("palettes", () => {
  const light = (hex: string) => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const value = parseInt(hex.slice(at, at + 2), 16) / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one: string, other: string) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b) as [number, number];
    return (high + 0.05) / (low + 0.05);
  };

  it.each(Object.entries(PALETTES))("the words on %s can be read", (_, { ground, ink }) => {
    expect(contrast(ground, ink)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(Object.entries(PALETTES))("the shapes on %s can be told apart", (_, colours) => {
    const { ground, near, far } = colours;
    expect(contrast(near, far)).toBeGreaterThan(1.25);
    expect(contrast(near, ground)).toBeGreaterThan(1.25);
    expect(contrast(far, ground)).toBeGreaterThan(1.1);
  });

  it("are always the same for a film, of its genre, and of its cluster if there is one", () => {
    const horror = movie("tt1", { genres: ["Horror", "Comedy"] });
    expect(paletteOf(horror)).toBe(paletteOf(horror));
    expect([PALETTES.noir, PALETTES.plum]).toContain(paletteOf(horror));
    expect(paletteOf(horror, 3)).toBe(paletteOf(movie("tt2", { genres: ["Comedy"] }), 3));
    expect(paletteOf(horror, 14)).toBeDefined();
    const unknown = new Set(
      Array.from({ length: 200 }, (_, n) => paletteOf(movie(`tt${n}`, { genres: [] }))),
    );
    expect(unknown.size).toBe(Object.keys(PALETTES).length);
  });

  it("come from a number that is the same everywhere", () => {
    expect(numberOf("tt0075148")).toBe(numberOf("tt0075148"));
    expect(numberOf("")).toBe(0x811c9dc5);
    expect(numberOf("a")).toBe(0xe40c292c); // FNV-1a's own test vector
  });
});

describe("drawings", () => {
  it("differ, and are the same for the same film", () => {
    const drawn = Array.from({ length: 60 }, (_, n) => JSON.stringify(draw(`tt${n}`)));
    expect(new Set(drawn).size).toBeGreaterThan(55);
    expect(JSON.stringify(draw("tt1"))).toBe(drawn[1]);
    expect(drawn.join("")).not.toMatch(/NaN|undefined|Infinity/);
  });

  it.each([
    "Alien",
    "The Lord of the Rings: The Fellowship of the Ring",
    "Dr. Strangelove or: How I Learned to Stop Worrying and Love the Bomb",
    "Supercalifragilisticexpialidocious",
    "千と千尋の神隠し",
    "Идиот",
    "a".repeat(400),
    "word ".repeat(80),
    "",
  ])("the title %s fits", (title) => {
    const { lines, size } = letter(title, 168, 68);
    expect(lines.length * size * 1.08).toBeLessThanOrEqual(68);
    for (const line of lines) expect(ems(line) * size).toBeLessThanOrEqual(168 + size);
    const whole = lines.join("").replace(/\s/g, "");
    const told = title.replace(/\s/g, "");
    expect(whole === told || whole.endsWith("…")).toBe(true);
  });

  it("give short titles large letters", () => {
    expect(letter("Alien", 168, 68).size).toBe(36);
    expect(letter("The Remains of the Day", 168, 68).size).toBeLessThan(36);
  });
});

describe("telling passages", () => {
  it("are first what the search found, then what is shared with others", () => {
    const told = tellingPassages([passage("found")], [alike("shared"), alike("other")]);
    expect(told.map(({ text }) => text)).toEqual(["found", "shared", "other"]);
  });

  it("are never twice the same, nor all of one review, nor many", () => {
    const same = [alike("A long one.", "r"), alike("long", "r"), alike("A long one.", "r")];
    expect(tellingPassages([], same)).toHaveLength(1);
    const one = [alike("a", "r"), alike("b", "r"), alike("c", "r"), alike("d", "s")];
    expect(tellingPassages([], one).map(({ text }) => text)).toEqual(["a", "b", "d"]);
    const many = ["a", "b", "c", "d", "e", "f"].map((text) => alike(text));
    expect(tellingPassages([], many)).toHaveLength(4);
    expect(tellingPassages([], [similarHit("x")])).toEqual([]);
  });

  it("are found in their reviews", () => {
    expect(aroundPassage("One. Two. Three.", "Two.")).toEqual(["One. ", "Two.", " Three."]);
    expect(aroundPassage("One.", "Four.")).toEqual(["One.", "", ""]);
    expect(aroundPassage("One.", "")).toEqual(["One.", "", ""]);
  });
});

describe("a folded review", () => {
  const review = (text: string, title: string | null = null): Review => ({
    review_id: "r",
    text,
    title,
    rating: null,
    author: null,
    published: null,
    url: null,
  });

  it("is called by its title, or by how it begins", () => {
    expect(summaryOf(review("Text.", "Title"))).toBe("Title");
    expect(summaryOf(review("A fine film. And more."))).toBe("A fine film.");
    expect(summaryOf(review("No end\nof line"))).toBe("No end");
    const long = summaryOf(review("many words ".repeat(40)));
    expect(long.length).toBeLessThanOrEqual(91);
    expect(long).toMatch(/(many|words)…$/);
  });
});

describe("a film", () => {
  const detail = { ...movie("tt1"), reviews: [] };
  const similar = { snapshot_id: "7", matched: 1, hits: [similarHit("tt2")] };

  function setUp() {
    const held = heldClient();
    const memory = createMemory();
    const snapshots: string[] = [];
    const film = useFilm(held.client, memory, (id) => snapshots.push(id));
    return { ...held, memory, film, snapshots };
  }

  it("is shown with what is like it and what it says to the search one came from", async () => {
    const { asked, film, snapshots } = setUp();
    void film.show("tt1", "rain");
    expect(asked.map(({ url }) => url)).toEqual([
      "/movies/tt1",
      "/movies/tt1/similar?k=6&evidence=0",
      "/search",
    ]);
    await asked[0]?.answer(detail);
    await asked[1]?.answer(similar);
    expect(film.phase.value).toBe("loading");
    const evidence = [{ ...passage("It rains."), score: 1 }];
    const hits = [hit("tt9"), { ...hit("tt1", 2), evidence }];
    await asked[2]?.answer({ snapshot_id: "7", matched: 2, hits });
    expect(film.phase.value).toBe("done");
    expect(film.evidence.value).toEqual(evidence);
    expect(film.similar.value).toHaveLength(1);
    expect(snapshots).toEqual(["7"]);
  });

  it("does not search again for what the search has said already", async () => {
    const { asked, film, memory } = setUp();
    const evidence = [{ ...passage("It rains."), score: 1 }];
    const state = { ...NOTHING, query: "rain" };
    const found = { state, hits: [{ ...hit("tt1"), evidence }], matched: 1 };
    memory.put("/?q=rain", { ...found, snapshotId: "7", complete: true });
    void film.show("tt1", "rain");
    expect(asked).toHaveLength(2);
    await asked[0]?.answer(detail);
    await asked[1]?.answer(similar);
    expect(film.evidence.value).toEqual(evidence);
  });

  it("is shown although its evidence is not to be had", async () => {
    const { asked, film } = setUp();
    void film.show("tt1", "rain");
    await asked[2]?.answer({ title: "x", code: "internal-error" }, 500);
    await asked[0]?.answer(detail);
    await asked[1]?.answer(similar);
    await asked[3]?.answer({ title: "x", code: "internal-error" }, 500);
    expect(film.phase.value).toBe("done");
    expect(film.notice.value.text).toBe("");
    expect(film.evidence.value).toEqual([]);
    expect(asked).toHaveLength(4);
  });

  it("says what it has to say as soon as searches are answered again", async () => {
    const { asked, film } = setUp();
    void film.show("tt1", "rain");
    await asked[2]?.answer({ title: "x", code: "not-ready" }, 503);
    await asked[0]?.answer(detail);
    await asked[1]?.answer(similar);
    expect(film.phase.value).toBe("done");
    expect(film.evidence.value).toEqual([]);
    const evidence = [{ ...passage("It rains."), score: 1 }];
    const hits = [{ ...hit("tt1"), evidence }];
    await asked[3]?.answer({ snapshot_id: "7", matched: 1, hits });
    expect(film.evidence.value).toEqual(evidence);
  });

  it("is not told what another film has to say", async () => {
    const { asked, film } = setUp();
    void film.show("tt1", "rain");
    await asked[2]?.answer({ title: "x", code: "not-ready" }, 503);
    await asked[0]?.answer(detail);
    await asked[1]?.answer(similar);
    void film.show("tt2", "");
    await asked[4]?.answer({ ...movie("tt2"), reviews: [] });
    await asked[5]?.answer(similar);
    const evidence = [{ ...passage("It rains."), score: 1 }];
    await asked[3]?.answer({ snapshot_id: "7", matched: 1, hits: [{ ...hit("tt1"), evidence }] });
    expect(film.movie.value?.movie_id).toBe("tt2");
    expect(film.evidence.value).toEqual([]);
  });

  it("that is not there is said to be missing, and nothing else is waited for", async () => {
    const { asked, film } = setUp();
    void film.show("tt404", "");
    await asked[0]?.answer({ title: "No such movie", code: "unknown-movie" }, 404);
    expect(film.phase.value).toBe("missing");
    expect(film.notice.value.text).toBe("");
    expect(asked[1]?.signal.aborted).toBe(true);
  });

  it("gives way to the next one", async () => {
    const { asked, film } = setUp();
    void film.show("tt1", "");
    void film.show("tt2", "");
    await asked[2]?.answer({ ...movie("tt2"), reviews: [] });
    await asked[3]?.answer(similar);
    await asked[0]?.answer(detail);
    expect(film.movie.value?.movie_id).toBe("tt2");
  });
});

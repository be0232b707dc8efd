import { describe, expect, it } from "vitest";

import type { Passage, Review } from "../api/client";
import { createMemory } from "../search/memory";
import { EMPTY_STATE } from "../search/state";
import { heldClient, hit, movie, similarHit } from "../testing";
import { draw, ems, letter } from "./drawing";
import { CLUSTER_PALETTES, numberOf, PALETTES, paletteOf } from "./palette";
import { splitAtPassage, reviewSummary, topPassages } from "./passages";
import { useMovie } from "./useMovie";

const passage = (text: string, review = text): Passage => ({
  review_id: review,
  text,
  rating: null,
  url: null,
  spoiler: null,
});
const similarBy = (text: string, review = text) =>
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

  const every = [...Object.entries(PALETTES), ...Object.entries(CLUSTER_PALETTES)];

  it.each(every)("the title on %s is readable", (_, { ground, ink }) => {
    expect(contrast(ground, ink)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(every)("the shapes on %s can be distinguished", (_, colours) => {
    const { ground, near, far } = colours;
    expect(contrast(near, far)).toBeGreaterThan(1.25);
    expect(contrast(near, ground)).toBeGreaterThan(1.25);
    expect(contrast(far, ground)).toBeGreaterThan(1.1);
  });

  it("depend on the cluster if there is one, else on the genre, and are stable", () => {
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

  it("come from a stable hash", () => {
    expect(numberOf("tt0075148")).toBe(numberOf("tt0075148"));
    expect(numberOf("")).toBe(0x811c9dc5);
    expect(numberOf("a")).toBe(0xe40c292c); // a published test vector of FNV-1a
  });
});

describe("drawings", () => {
  it("differ between movies and are stable for a movie", () => {
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
    const expected = title.replace(/\s/g, "");
    expect(whole === expected || whole.endsWith("…")).toBe(true);
  });

  it("set short titles in a large size", () => {
    expect(letter("Alien", 168, 68).size).toBe(36);
    expect(letter("The Remains of the Day", 168, 68).size).toBeLessThan(36);
  });
});

describe("the top passages", () => {
  it("are first the evidence of the search, then those shared with similar movies", () => {
    const passages = topPassages([passage("evidence")], [similarBy("shared"), similarBy("other")]);
    expect(passages.map(({ text }) => text)).toEqual(["evidence", "shared", "other"]);
  });

  it("are distinct, at most two per review and four in all", () => {
    const same = [
      similarBy("A long one.", "r"),
      similarBy("long", "r"),
      similarBy("A long one.", "r"),
    ];
    expect(topPassages([], same)).toHaveLength(1);
    const one = [
      similarBy("a", "r"),
      similarBy("b", "r"),
      similarBy("c", "r"),
      similarBy("d", "s"),
    ];
    expect(topPassages([], one).map(({ text }) => text)).toEqual(["a", "b", "d"]);
    const many = ["a", "b", "c", "d", "e", "f"].map((text) => similarBy(text));
    expect(topPassages([], many)).toHaveLength(4);
    expect(topPassages([], [similarHit("x")])).toEqual([]);
  });

  it("are located in their reviews", () => {
    expect(splitAtPassage("One. Two. Three.", "Two.")).toEqual(["One. ", "Two.", " Three."]);
    expect(splitAtPassage("One.", "Four.")).toEqual(["One.", "", ""]);
    expect(splitAtPassage("One.", "")).toEqual(["One.", "", ""]);
  });
});

describe("a collapsed review", () => {
  const review = (text: string, title: string | null = null): Review => ({
    review_id: "r",
    text,
    title,
    rating: null,
    author: null,
    published: null,
    url: null,
    language: null,
    spoiler: null,
    hidden: false,
  });

  it("shows no spoiler", () => {
    const spoiler = { ...review("The butler did it.", "It is the butler"), hidden: true };
    expect(reviewSummary(spoiler)).toBe("Contains spoilers");
  });

  it("shows its title, or its first sentence", () => {
    expect(reviewSummary(review("Text.", "Title"))).toBe("Title");
    expect(reviewSummary(review("A fine movie. And more."))).toBe("A fine movie.");
    expect(reviewSummary(review("No end\nof line"))).toBe("No end");
    const long = reviewSummary(review("many words ".repeat(40)));
    expect(long.length).toBeLessThanOrEqual(91);
    expect(long).toMatch(/(many|words)…$/);
  });
});

describe("a movie", () => {
  const detail = { ...movie("tt1"), reviews: [], next_reviews: null };
  const similar = { snapshot_id: "7", matched: 1, hits: [similarHit("tt2")] };

  function setUp() {
    const held = heldClient();
    const memory = createMemory();
    const snapshots: string[] = [];
    const page = useMovie(held.client, memory, (id) => snapshots.push(id));
    return { ...held, memory, page, snapshots };
  }

  it("is shown with similar movies and its evidence for the search", async () => {
    const { requests, page, snapshots } = setUp();
    void page.show("tt1", "rain");
    expect(requests.map(({ url }) => url)).toEqual([
      "/movies/tt1",
      "/movies/tt1/similar?k=6&evidence=0",
      "/search",
    ]);
    await requests[0]?.respond(detail);
    await requests[1]?.respond(similar);
    expect(page.phase.value).toBe("loading");
    const evidence = [{ ...passage("It rains."), score: 1 }];
    const hits = [hit("tt9"), { ...hit("tt1", 2), evidence }];
    await requests[2]?.respond({ snapshot_id: "7", matched: 2, hits });
    expect(page.phase.value).toBe("done");
    expect(page.evidence.value).toEqual(evidence);
    expect(page.similar.value).toHaveLength(1);
    expect(snapshots).toEqual(["7"]);
  });

  it("reuses evidence that the search has returned already", async () => {
    const { requests, page, memory } = setUp();
    const marks: [number, number][] = [[3, 8]];
    const evidence = [{ ...passage("It rains."), score: 1, kind: "review" as const, marks }];
    const state = { ...EMPTY_STATE, query: "rain" };
    const results = { state, hits: [{ ...hit("tt1"), evidence }], matched: 1 };
    const none = { interpretation: null, hidden: [], taken: 1, complete: true };
    memory.store("/?q=rain", { ...results, ...none, snapshotId: "7" });
    void page.show("tt1", "rain");
    expect(requests).toHaveLength(2);
    await requests[0]?.respond(detail);
    await requests[1]?.respond(similar);
    expect(page.evidence.value).toEqual(evidence);
  });

  it("is shown without evidence when the search fails", async () => {
    const { requests, page } = setUp();
    void page.show("tt1", "rain");
    await requests[2]?.respond({ title: "x", code: "internal-error" }, 500);
    await requests[0]?.respond(detail);
    await requests[1]?.respond(similar);
    await requests[3]?.respond({ title: "x", code: "internal-error" }, 500);
    expect(page.phase.value).toBe("done");
    expect(page.notice.value.text).toBe("");
    expect(page.evidence.value).toEqual([]);
    expect(requests).toHaveLength(4);
  });

  it("adds evidence once searches work again", async () => {
    const { requests, page } = setUp();
    void page.show("tt1", "rain");
    await requests[2]?.respond({ title: "x", code: "not-ready" }, 503);
    await requests[0]?.respond(detail);
    await requests[1]?.respond(similar);
    expect(page.phase.value).toBe("done");
    expect(page.evidence.value).toEqual([]);
    const evidence = [{ ...passage("It rains."), score: 1 }];
    const hits = [{ ...hit("tt1"), evidence }];
    await requests[3]?.respond({ snapshot_id: "7", matched: 1, hits });
    expect(page.evidence.value).toEqual(evidence);
  });

  it("does not get the late evidence of another movie", async () => {
    const { requests, page } = setUp();
    void page.show("tt1", "rain");
    await requests[2]?.respond({ title: "x", code: "not-ready" }, 503);
    await requests[0]?.respond(detail);
    await requests[1]?.respond(similar);
    void page.show("tt2", "");
    await requests[4]?.respond({ ...movie("tt2"), reviews: [], next_reviews: null });
    await requests[5]?.respond(similar);
    const evidence = [{ ...passage("It rains."), score: 1 }];
    await requests[3]?.respond({
      snapshot_id: "7",
      matched: 1,
      hits: [{ ...hit("tt1"), evidence }],
    });
    expect(page.movie.value?.movie_id).toBe("tt2");
    expect(page.evidence.value).toEqual([]);
  });

  it("that does not exist is reported as missing, and other requests are aborted", async () => {
    const { requests, page } = setUp();
    void page.show("tt404", "");
    await requests[0]?.respond({ title: "No such movie", code: "unknown-movie" }, 404);
    expect(page.phase.value).toBe("missing");
    expect(page.notice.value.text).toBe("");
    expect(requests[1]?.signal.aborted).toBe(true);
  });

  const review = (id: string): Review => ({
    review_id: id,
    text: id,
    hidden: false,
    rating: null,
    title: null,
    author: null,
    published: null,
    url: null,
    language: null,
    spoiler: null,
  });

  it("that is popular gets its other reviews when they are wanted", async () => {
    const { requests, page } = setUp();
    void page.show("tt1", "");
    await requests[0]?.respond({ ...detail, reviews: [review("a")], next_reviews: "c1" });
    await requests[1]?.respond(similar);
    void page.moreReviews();
    expect(requests[2]?.url).toBe("/movies/tt1/reviews?cursor=c1&limit=100");
    await requests[2]?.respond({ reviews: [review("b")], next_cursor: null });
    expect(page.reviews.value.list.map((each) => each.review_id)).toEqual(["a", "b"]);
    expect(page.reviews.value.cursor).toBeNull();
    void page.moreReviews(); // there are none
    expect(requests).toHaveLength(3);
  });

  it("shows the reviews with some ratings only, and all again", async () => {
    const { requests, page } = setUp();
    void page.show("tt1", "");
    await requests[0]?.respond({ ...detail, reviews: [review("a")], next_reviews: "c1" });
    await requests[1]?.respond(similar);
    void page.showBand("middle");
    void page.showBand("low");
    expect(requests[2]?.url).toBe("/movies/tt1/reviews?min_rating=4&max_rating=6.99&limit=100");
    expect(requests[3]?.url).toBe("/movies/tt1/reviews?max_rating=3.99&limit=100");
    await requests[3]?.respond({ reviews: [review("low")], next_cursor: "c2" });
    await requests[2]?.respond({ reviews: [review("middle")], next_cursor: null });
    expect(page.reviews.value.list.map((each) => each.review_id)).toEqual(["low"]);
    void page.moreReviews();
    expect(requests[4]?.url).toBe("/movies/tt1/reviews?max_rating=3.99&cursor=c2&limit=100");
    await requests[4]?.respond({ reviews: [review("lower")], next_cursor: null });
    expect(page.reviews.value.list.map((each) => each.review_id)).toEqual(["low", "lower"]);
    void page.showBand("all");
    expect(page.reviews.value).toMatchObject({ band: "all", cursor: "c1" });
  });

  it("does not get the late reviews of another movie", async () => {
    const { requests, page } = setUp();
    void page.show("tt1", "");
    await requests[0]?.respond({ ...detail, reviews: [review("a")], next_reviews: "c1" });
    await requests[1]?.respond(similar);
    void page.moreReviews();
    void page.show("tt2", "");
    await requests[3]?.respond({ ...movie("tt2"), reviews: [], next_reviews: null });
    await requests[4]?.respond(similar);
    await requests[2]?.respond({ reviews: [review("b")], next_cursor: null });
    expect(page.reviews.value.list).toEqual([]);
  });

  it("is replaced by the next one, whose response may come first", async () => {
    const { requests, page } = setUp();
    void page.show("tt1", "");
    void page.show("tt2", "");
    await requests[2]?.respond({ ...movie("tt2"), reviews: [], next_reviews: null });
    await requests[3]?.respond(similar);
    await requests[0]?.respond(detail);
    expect(page.movie.value?.movie_id).toBe("tt2");
  });
});

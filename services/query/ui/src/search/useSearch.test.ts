import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { heldClient, hit, settle, similarHit } from "../testing";
import { createMemory } from "./memory";
import { NOTHING } from "./state";
import { useSearch } from "./useSearch";

const found = (ids: string[], matched = ids.length, snapshot = "1") => ({
  snapshot_id: snapshot,
  matched,
  hits: ids.map((id, n) => hit(id, n + 1)),
});
const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => `tt${from + n}`);
const state = (query: string) => ({ ...NOTHING, query });

function setUp() {
  const held = heldClient();
  const memory = createMemory();
  const search = useSearch(held.client, memory);
  const shown = () => search.found.value?.hits.map(({ movie }) => movie.movie_id) ?? [];
  return { ...held, memory, search, shown };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a search", () => {
  it("shows what was found, and says how much", async () => {
    const { asked, search, shown, memory } = setUp();
    void search.run(state("rain"));
    expect(search.phase.value).toBe("searching");
    expect(asked[0]?.body).toMatchObject({ query: "rain", k: 10, offset: 0, explain: true });
    await asked[0]?.answer(found(["a", "b"], 412));
    expect(search.phase.value).toBe("done");
    expect(shown()).toEqual(["a", "b"]);
    expect(search.notice.value).toEqual({ kind: "", text: "2 of 412 films, best first" });
    expect(memory.titleOf("a")).toBe("Film a");
  });

  it("never shows an older answer over a newer one, however late it comes", async () => {
    const { asked, search, shown } = setUp();
    void search.run(state("r"));
    void search.run(state("ra"));
    void search.run(state("rai"));
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true, false]);
    await asked[2]?.answer(found(["newest"]));
    await asked[0]?.answer(found(["oldest"]));
    await asked[1]?.answer({ title: "No", code: "internal-error" }, 500);
    expect(shown()).toEqual(["newest"]);
    expect(search.phase.value).toBe("done");
    expect(search.notice.value.kind).toBe("");
  });

  it("drops an answer whose body was on its way when a newer search began", async () => {
    const { asked, search, shown } = setUp();
    void search.run(state("old"));
    const arriving = asked[0]?.answer(found(["old"]));
    void search.run(state("new"));
    await arriving;
    expect(shown()).toEqual([]);
    expect(search.phase.value).toBe("searching");
    await asked[1]?.answer(found(["new"]));
    expect(shown()).toEqual(["new"]);
  });

  it("leaves what is shown until there is something else to show", async () => {
    const { asked, search, shown } = setUp();
    void search.run(state("rain"));
    await asked[0]?.answer(found(["a"]));
    void search.run(state("rainy"));
    expect(shown()).toEqual(["a"]);
    search.clear();
    expect(shown()).toEqual([]);
    expect(asked[1]?.signal.aborted).toBe(true);
  });

  it("says that it is on only when that takes long, and why if something is the matter", async () => {
    const { asked, search } = setUp();
    void search.run(state("rain"));
    await vi.advanceTimersByTimeAsync(399);
    expect(search.notice.value.text).toBe("");
    await vi.advanceTimersByTimeAsync(1);
    expect(search.notice.value).toEqual({ kind: "waiting", text: "Searching" });
    await asked[0]?.answer({ title: "x", code: "not-ready" }, 503);
    expect(search.notice.value.text).toMatch(/being built/);
    await vi.advanceTimersByTimeAsync(1500);
    await asked[1]?.answer(found(["a"]));
    expect(search.notice.value).toEqual({ kind: "", text: "1 of 1 film, best first" });
  });

  it("does not hide why it waits behind “Searching”", async () => {
    const { asked, search } = setUp();
    void search.run(state("rain"));
    await asked[0]?.fail();
    await vi.advanceTimersByTimeAsync(1000);
    expect(search.notice.value.text).toMatch(/cannot be reached/);
  });

  it("that fails says so and shows nothing else", async () => {
    const { asked, search, shown } = setUp();
    void search.run(state("rain"));
    await asked[0]?.answer(found(["a"]));
    void search.run(state("\u200b"));
    const errors = [{ field: "query", message: "Something visible is wanted" }];
    await asked[1]?.answer({ title: "x", code: "invalid-request", errors }, 422);
    expect(search.phase.value).toBe("failed");
    expect(shown()).toEqual([]);
    expect(search.notice.value).toMatchObject({
      kind: "trouble",
      text: expect.stringMatching(/Something visible is wanted\./),
    });
  });

  it.each([
    [{ ...state("x"), genres: ["Western"] }, "No film is all of that. Take a filter off."],
    [state("x"), "There are no other films in the index yet."],
  ])("that finds nothing says why", async (wanted, said) => {
    const { asked, search } = setUp();
    void search.run(wanted);
    await asked[0]?.answer(found([]));
    expect(search.notice.value.text).toBe(said);
    expect(search.found.value?.complete).toBe(true);
  });

  it("learns the titles of films that are known only by their ids", async () => {
    const { asked, search, memory } = setUp();
    memory.titles.set("known", "Known");
    void search.run({ ...state("x"), like: ["known"], unlike: ["tt9"] });
    expect(asked.map(({ url }) => url)).toEqual(["/search", "/movies/tt9"]);
    await asked[0]?.answer(found(["a"]));
    expect(search.phase.value).toBe("searching");
    await asked[1]?.answer({ movie_id: "tt9", title: "Nine" });
    expect(search.phase.value).toBe("done");
    expect(memory.titleOf("tt9")).toBe("Nine");
  });
});

describe("more", () => {
  it("adds the next page, once, and ends with the last", async () => {
    const { asked, search, shown } = setUp();
    void search.run(state("x"));
    await asked[0]?.answer(found(ids(0, 10), 13));
    const first = search.more();
    const second = search.more(); // the observer and the button at once
    expect(asked).toHaveLength(2);
    expect(asked[1]?.body).toMatchObject({ offset: 10, k: 10 });
    await asked[1]?.answer(found(ids(10, 13), 13));
    expect(await Promise.all([first, second])).toEqual([10, 10]);
    expect(shown()).toEqual(ids(0, 13));
    expect(search.found.value?.complete).toBe(true);
    await search.more();
    expect(asked).toHaveLength(2);
  });

  it("shows no film twice when the index changes between two pages", async () => {
    const { asked, search, shown } = setUp();
    void search.run(state("x"));
    await asked[0]?.answer(found(ids(0, 10), 30));
    void search.more();
    await asked[1]?.answer(found(["tt9", "new", "tt3"], 31, "2"));
    expect(shown()).toEqual([...ids(0, 10), "new"]);
    expect(search.found.value?.hits.map(({ rank }) => rank)).toEqual(
      ids(0, 11).map((_, n) => n + 1),
    );
    expect(search.found.value?.complete).toBe(false);
  });

  it("is forgotten when another search begins", async () => {
    const { asked, search, shown } = setUp();
    void search.run(state("x"));
    await asked[0]?.answer(found(ids(0, 10), 30));
    void search.more();
    void search.run(state("y"));
    await asked[2]?.answer(found(["y"]));
    await asked[1]?.answer(found(ids(10, 20), 30));
    expect(shown()).toEqual(["y"]);
    expect(search.adding.value).toBe(false);
  });

  it("that fails leaves what is there, and can be tried again", async () => {
    const { asked, search, shown } = setUp();
    void search.run(state("x"));
    await asked[0]?.answer(found(ids(0, 10), 30));
    void search.more();
    await asked[1]?.answer({ title: "Something went wrong here" }, 500);
    expect(shown()).toHaveLength(10);
    expect(search.notice.value.kind).toBe("trouble");
    void search.more();
    await asked[2]?.answer(found(ids(10, 20), 30));
    expect(shown()).toHaveLength(20);
  });

  it("goes no further than the API does", async () => {
    const { asked, search, memory } = setUp();
    void memory;
    const before = {
      state: state("x"),
      hits: ids(0, 1000).map((id, n) => hit(id, n + 1)),
      matched: 5000,
      snapshotId: "1",
      complete: false,
    };
    search.restore(before);
    void search.more();
    expect(asked[0]?.body).toMatchObject({ offset: 1000 });
    await asked[0]?.answer(found(ids(1000, 1010), 5000));
    expect(search.found.value?.complete).toBe(true);
  });
});

describe("one film alone", () => {
  it("asks for what is similar, and for more of it", async () => {
    const { asked, search, shown } = setUp();
    const similar = (to: number, matched: number) => ({
      snapshot_id: "1",
      matched,
      hits: ids(0, to).map((id, n) => similarHit(id, { rank: n + 1 })),
    });
    void search.run({ ...NOTHING, like: ["tt99"] });
    expect(asked[0]?.url).toBe("/movies/tt99/similar?k=10&evidence=0");
    await asked[1]?.answer({ movie_id: "tt99", title: "Ninety-nine" });
    await asked[0]?.answer(similar(10, 500));
    expect(shown()).toHaveLength(10);
    void search.more();
    expect(asked[2]?.url).toBe("/movies/tt99/similar?k=20&evidence=0");
    await asked[2]?.answer(similar(20, 500));
    expect(shown()).toEqual(ids(0, 20));
  });

  it("has a hundred films like it at the most", async () => {
    const { asked, search } = setUp();
    void search.run({ ...NOTHING, like: ["tt999"] }, 100);
    await asked[1]?.answer({ movie_id: "tt999", title: "x" });
    await asked[0]?.answer(found(ids(0, 100), 500));
    expect(search.found.value?.complete).toBe(true);
  });
});

describe("going back", () => {
  it("shows at once what was there", async () => {
    const { asked, search, shown, memory } = setUp();
    void search.run(state("x"));
    await asked[0]?.answer(found(["a"]));
    const before = search.found.value;
    expect(before).not.toBeNull();
    if (before) memory.put("/?q=x", before);
    void search.run(state("y"));
    const kept = memory.found("/?q=x");
    expect(kept).toBe(before);
    if (kept) search.restore(kept);
    await asked[1]?.answer(found(["late"]));
    await settle();
    expect(shown()).toEqual(["a"]);
  });

  it("begins with as many films as were shown, but one request's at the most", () => {
    const { asked, search } = setUp();
    void search.run(state("x"), 40);
    void search.run(state("x"), 4000);
    void search.run(state("x"), 3);
    expect(asked.map(({ body }) => body.k)).toEqual([40, 100, 10]);
  });

  it("remembers the last thirty searches, and a film's evidence in them", () => {
    const memory = createMemory();
    const one = (query: string, hits = [hit("a")]) => ({
      ...{ state: state(query), hits, matched: 1, snapshotId: "1", complete: true },
    });
    for (let n = 0; n < 31; n += 1) memory.put(`/?q=${n}`, one(String(n)));
    expect(memory.found("/?q=0")).toBeUndefined();
    expect(memory.found("/?q=30")).toBeDefined();
    expect(memory.hit("30", "a")?.movie.movie_id).toBe("a");
    expect(memory.hit("30", "b")).toBeUndefined();
    expect(memory.hit("0", "a")).toBeUndefined();
  });
});

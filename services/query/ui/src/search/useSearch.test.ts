import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { heldClient, hit, settle, similarHit } from "../testing";
import { createMemory } from "./memory";
import { EMPTY_STATE } from "./state";
import { MAX_EXCLUDED, useSearch } from "./useSearch";

const response = (ids: string[], matched = ids.length, snapshot = "1") => ({
  snapshot_id: snapshot,
  matched,
  hits: ids.map((id, n) => hit(id, n + 1)),
});
const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => `tt${from + n}`);
const state = (query: string) => ({ ...EMPTY_STATE, query });

function setUp(hidden: readonly string[] = []) {
  const held = heldClient();
  const memory = createMemory();
  const search = useSearch(held.client, memory, () => hidden);
  const shown = () => search.results.value?.hits.map(({ movie }) => movie.movie_id) ?? [];
  return { ...held, memory, search, shown };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a search", () => {
  it("shows its results and their number", async () => {
    const { requests, search, shown, memory } = setUp();
    void search.run(state("rain"));
    expect(search.phase.value).toBe("searching");
    expect(requests[0]?.body).toMatchObject({ query: "rain", k: 10, offset: 0, explain: true });
    await requests[0]?.respond(response(["a", "b"], 412));
    expect(search.phase.value).toBe("done");
    expect(shown()).toEqual(["a", "b"]);
    expect(search.notice.value).toEqual({
      kind: "",
      text: "Showing 2 of 412 movies, best matches first",
    });
    expect(memory.titleOf("a")).toBe("Movie a");
  });

  it("never shows an older response over a newer one, however late it arrives", async () => {
    const { requests, search, shown } = setUp();
    void search.run(state("r"));
    void search.run(state("ra"));
    void search.run(state("rai"));
    expect(requests.map(({ signal }) => signal.aborted)).toEqual([true, true, false]);
    await requests[2]?.respond(response(["newest"]));
    await requests[0]?.respond(response(["oldest"]));
    await requests[1]?.respond({ title: "No", code: "internal-error" }, 500);
    expect(shown()).toEqual(["newest"]);
    expect(search.phase.value).toBe("done");
    expect(search.notice.value.kind).toBe("");
  });

  it("discards a response whose body was arriving when a newer search began", async () => {
    const { requests, search, shown } = setUp();
    void search.run(state("old"));
    const arriving = requests[0]?.respond(response(["old"]));
    void search.run(state("new"));
    await arriving;
    expect(shown()).toEqual([]);
    expect(search.phase.value).toBe("searching");
    await requests[1]?.respond(response(["new"]));
    expect(shown()).toEqual(["new"]);
  });

  it("keeps the shown results until new ones arrive", async () => {
    const { requests, search, shown } = setUp();
    void search.run(state("rain"));
    await requests[0]?.respond(response(["a"]));
    void search.run(state("rainy"));
    expect(shown()).toEqual(["a"]);
    search.clear();
    expect(shown()).toEqual([]);
    expect(requests[1]?.signal.aborted).toBe(true);
  });

  it("is announced only when it is slow, and says why it waits", async () => {
    const { requests, search } = setUp();
    void search.run(state("rain"));
    await vi.advanceTimersByTimeAsync(399);
    expect(search.notice.value.text).toBe("");
    await vi.advanceTimersByTimeAsync(1);
    expect(search.notice.value).toEqual({ kind: "waiting", text: "Searching…" });
    await requests[0]?.respond({ title: "x", code: "not-ready" }, 503);
    expect(search.notice.value.text).toMatch(/Nothing can be searched yet/);
    await vi.advanceTimersByTimeAsync(1500);
    await requests[1]?.respond(response(["a"]));
    expect(search.notice.value).toEqual({
      kind: "",
      text: "Showing 1 of 1 movie, best matches first",
    });
  });

  it("does not replace the reason for a wait with “Searching…”", async () => {
    const { requests, search } = setUp();
    void search.run(state("rain"));
    await requests[0]?.fail();
    await vi.advanceTimersByTimeAsync(1000);
    expect(search.notice.value.text).toMatch(/Cannot reach the server/);
  });

  it("that fails shows the error and no results", async () => {
    const { requests, search, shown } = setUp();
    void search.run(state("rain"));
    await requests[0]?.respond(response(["a"]));
    void search.run(state("\u200b"));
    const errors = [{ field: "query", message: "Must contain at least one visible character" }];
    await requests[1]?.respond({ title: "x", code: "invalid-request", errors }, 422);
    expect(search.phase.value).toBe("failed");
    expect(shown()).toEqual([]);
    expect(search.notice.value).toMatchObject({
      kind: "trouble",
      text: expect.stringMatching(/Must contain at least one visible character\./),
    });
  });

  it.each([
    [{ ...state("x"), genres: ["Western"] }, "No movies match all filters. Try removing one."],
    [state("x"), "The index has no other movies yet."],
  ])("without results says why", async (searchState, text) => {
    const { requests, search } = setUp();
    void search.run(searchState);
    await requests[0]?.respond(response([]));
    expect(search.notice.value.text).toBe(text);
    expect(search.results.value?.complete).toBe(true);
  });

  it("whose best result hardly fits says so, unless the query is a title", async () => {
    const { requests, search } = setUp();
    const fits = (fits: number[], interpretation: unknown = null) => ({
      ...response(
        fits.map((_, n) => `tt${n}`),
        50,
      ),
      hits: fits.map((fit, n) => ({ ...hit(`tt${n}`, n + 1), fit })),
      interpretation,
    });
    const notice = async (n: number, body: unknown) => {
      void search.run(state(`x${n}`));
      await requests[n]?.respond(body);
      return search.notice.value.text;
    };
    expect(await notice(0, fits([0.02, 0.09]))).toMatch(/^Nothing fits well/);
    expect(await notice(1, fits([0.02, 0.1]))).toMatch(/^Showing 2/);
    const named = { text: "x", titles: ["tt0"], like: [], corrections: [], relaxed: [] };
    expect(await notice(2, fits([0.02], named))).toMatch(/^Showing 1/);
  });

  it("loads the titles of movies that the query names", async () => {
    const { requests, search, memory } = setUp();
    void search.run(state("like amelie"));
    const interpretation = { text: "", titles: [], like: ["tt7"], corrections: [], relaxed: [] };
    await requests[0]?.respond({ ...response(["a"]), interpretation });
    expect(requests[1]?.url).toBe("/movies/tt7");
    await requests[1]?.respond({ movie_id: "tt7", title: "Amélie" });
    expect(search.results.value?.interpretation?.like).toEqual(["tt7"]);
    expect(memory.titleOf("tt7")).toBe("Amélie");
  });

  it("loads the titles of movies that are known only by their ids", async () => {
    const { requests, search, memory } = setUp();
    memory.titles.set("known", "Known");
    void search.run({ ...state("x"), like: ["known"], unlike: ["tt9"] });
    expect(requests.map(({ url }) => url)).toEqual(["/search", "/movies/tt9"]);
    await requests[0]?.respond(response(["a"]));
    expect(search.phase.value).toBe("searching");
    await requests[1]?.respond({ movie_id: "tt9", title: "Nine" });
    expect(search.phase.value).toBe("done");
    expect(memory.titleOf("tt9")).toBe("Nine");
  });
});

describe("the next page", () => {
  it("is added once, until the last page", async () => {
    const { requests, search, shown } = setUp();
    void search.run(state("x"));
    await requests[0]?.respond(response(ids(0, 10), 13));
    const first = search.loadMore();
    const second = search.loadMore(); // the observer and the button at once
    expect(requests).toHaveLength(2);
    expect(requests[1]?.body).toMatchObject({ offset: 10, k: 10 });
    await requests[1]?.respond(response(ids(10, 13), 13));
    expect(await Promise.all([first, second])).toEqual([10, 10]);
    expect(shown()).toEqual(ids(0, 13));
    expect(search.results.value?.complete).toBe(true);
    await search.loadMore();
    expect(requests).toHaveLength(2);
  });

  it("repeats no movie when the snapshot changes between two pages", async () => {
    const { requests, search, shown } = setUp();
    void search.run(state("x"));
    await requests[0]?.respond(response(ids(0, 10), 30));
    void search.loadMore();
    await requests[1]?.respond(response(["tt9", "new", "tt3"], 31, "2"));
    expect(shown()).toEqual([...ids(0, 10), "new"]);
    expect(search.results.value?.hits.map(({ rank }) => rank)).toEqual(
      ids(0, 11).map((_, n) => n + 1),
    );
    expect(search.results.value?.complete).toBe(false);
  });

  it("is discarded when another search begins", async () => {
    const { requests, search, shown } = setUp();
    void search.run(state("x"));
    await requests[0]?.respond(response(ids(0, 10), 30));
    void search.loadMore();
    void search.run(state("y"));
    await requests[2]?.respond(response(["y"]));
    await requests[1]?.respond(response(ids(10, 20), 30));
    expect(shown()).toEqual(["y"]);
    expect(search.loadingMore.value).toBe(false);
  });

  it("that fails keeps the shown results and can be retried", async () => {
    const { requests, search, shown } = setUp();
    void search.run(state("x"));
    await requests[0]?.respond(response(ids(0, 10), 30));
    void search.loadMore();
    await requests[1]?.respond({ title: "Something went wrong here" }, 500);
    expect(shown()).toHaveLength(10);
    expect(search.notice.value.kind).toBe("trouble");
    void search.loadMore();
    await requests[2]?.respond(response(ids(10, 20), 30));
    expect(shown()).toHaveLength(20);
  });

  it("ends at the maximum offset of the API", async () => {
    const { requests, search } = setUp();
    const earlier = {
      state: state("x"),
      hits: ids(0, 1000).map((id, n) => hit(id, n + 1)),
      matched: 5000,
      snapshotId: "1",
      interpretation: null,
      hidden: [],
      taken: 1000,
      complete: false,
    };
    search.restore(earlier);
    void search.loadMore();
    expect(requests[0]?.body).toMatchObject({ offset: 1000 });
    await requests[0]?.respond(response(ids(1000, 1010), 5000));
    expect(search.results.value?.complete).toBe(true);
  });
});

describe("hidden movies", () => {
  const many = Array.from({ length: MAX_EXCLUDED + 2 }, (_, n) => `seen${n}`);
  const [last, lastButOne] = [...many].reverse() as [string, string];

  it("are left out by the API", async () => {
    const { requests, search } = setUp(["a", "b"]);
    void search.run(state("x"));
    expect(requests[0]?.body).toMatchObject({ exclude: ["a", "b"] });
    await requests[0]?.respond(response(["c"], 5));
    expect(search.notice.value.text).toBe(
      "Showing 1 of 5 movies, without what you have seen, best matches first",
    );
  });

  it("beyond what a request may name are left out here, and others loaded instead", async () => {
    const { requests, search, shown } = setUp(many);
    void search.run(state("x"));
    expect(requests[0]?.body["exclude"]).toEqual(many.slice(0, MAX_EXCLUDED));
    await requests[0]?.respond(response([last, ...ids(0, 8), lastButOne], 100));
    expect(search.phase.value).toBe("searching");
    expect(requests[1]?.body).toMatchObject({ offset: 10, k: 10 });
    await requests[1]?.respond(response(ids(8, 18), 100));
    expect(shown()).toEqual(ids(0, 10));
    expect(search.results.value?.hits.map(({ rank }) => rank)).toEqual(
      ids(1, 11).map((_, n) => n + 1),
    );
    // The next page begins behind the last movie shown, not behind the last one loaded.
    void search.loadMore();
    expect(requests[2]?.body).toMatchObject({ offset: 12 });
    await requests[2]?.respond(response(ids(10, 20), 100));
    expect(shown()).toEqual(ids(0, 20));
  });

  it("may be all that matches", async () => {
    const { requests, search, shown } = setUp(many);
    void search.run(state("x"));
    await requests[0]?.respond(response([last], 1));
    expect(shown()).toEqual([]);
    expect(search.notice.value.text).toBe("No movie that you have not seen matches.");
  });

  it("end a search that finds no others, after some pages", async () => {
    const { requests, search } = setUp(many);
    void search.run(state("x"));
    for (let n = 0; n < 10; n += 1) {
      await requests[n]?.respond(
        response(
          Array.from({ length: 10 }, () => last),
          5000,
        ),
      );
    }
    expect(search.phase.value).toBe("done");
    expect(requests).toHaveLength(10);
  });

  it("are left out of similar movies here", async () => {
    const { requests, search, shown } = setUp(["b"]);
    void search.run({ ...EMPTY_STATE, like: ["x"] });
    const hits = ["a", "b", "c"].map((id, n) => similarHit(id, { rank: n + 1 }));
    await requests[0]?.respond({ snapshot_id: "1", matched: 3, hits });
    await requests[1]?.respond({ title: "Movie x" });
    expect(shown()).toEqual(["a", "c"]);
  });
});

describe("a single liked movie", () => {
  it("requests similar movies, and more of them", async () => {
    const { requests, search, shown } = setUp();
    const similar = (to: number, matched: number) => ({
      snapshot_id: "1",
      matched,
      hits: ids(0, to).map((id, n) => similarHit(id, { rank: n + 1 })),
    });
    void search.run({ ...EMPTY_STATE, like: ["tt99"] });
    expect(requests[0]?.url).toBe("/movies/tt99/similar?k=10&evidence=0");
    await requests[1]?.respond({ movie_id: "tt99", title: "Ninety-nine" });
    await requests[0]?.respond(similar(10, 500));
    expect(shown()).toHaveLength(10);
    void search.loadMore();
    expect(requests[2]?.url).toBe("/movies/tt99/similar?k=20&evidence=0");
    await requests[2]?.respond(similar(20, 500));
    expect(shown()).toEqual(ids(0, 20));
  });

  it("has at most a hundred similar movies", async () => {
    const { requests, search } = setUp();
    void search.run({ ...EMPTY_STATE, like: ["tt999"] }, 100);
    await requests[1]?.respond({ movie_id: "tt999", title: "x" });
    await requests[0]?.respond(response(ids(0, 100), 500));
    expect(search.results.value?.complete).toBe(true);
  });
});

describe("going back", () => {
  it("shows the earlier results at once", async () => {
    const { requests, search, shown, memory } = setUp();
    void search.run(state("x"));
    await requests[0]?.respond(response(["a"]));
    const earlier = search.results.value;
    expect(earlier).not.toBeNull();
    if (earlier) memory.store("/?q=x", earlier);
    void search.run(state("y"));
    const remembered = memory.resultsAt("/?q=x");
    expect(remembered).toBe(earlier);
    if (remembered) search.restore(remembered);
    await requests[1]?.respond(response(["late"]));
    await settle();
    expect(shown()).toEqual(["a"]);
  });

  it("loads as many results as were shown, up to the maximum of a request", () => {
    const { requests, search } = setUp();
    void search.run(state("x"), 40);
    void search.run(state("x"), 4000);
    void search.run(state("x"), 3);
    expect(requests.map(({ body }) => body.k)).toEqual([40, 100, 10]);
  });

  it("remembers the last thirty searches, and the evidence in them", () => {
    const memory = createMemory();
    const results = (query: string, hits = [hit("a")]) => ({
      ...{ state: state(query), hits, matched: 1, snapshotId: "1", complete: true },
      ...{ interpretation: null, hidden: [], taken: 1 },
    });
    for (let n = 0; n < 31; n += 1) memory.store(`/?q=${n}`, results(String(n)));
    expect(memory.resultsAt("/?q=0")).toBeUndefined();
    expect(memory.resultsAt("/?q=30")).toBeDefined();
    expect(memory.hit("30", "a")?.movie.movie_id).toBe("a");
    expect(memory.hit("30", "b")).toBeUndefined();
    expect(memory.hit("0", "a")).toBeUndefined();
  });
});

import { describe, expect, it } from "vitest";

import { EMPTY_STATE } from "../search/state";
import { heldClient, hit, settle } from "../testing";
import { highlightCount, useMap } from "./useMap";

const map = (snapshot: string, ids: string[]) => ({
  snapshot_id: snapshot,
  movie_ids: ids,
  titles: ids,
  years: ids.map(() => null),
  x: ids.map((_, n) => n / 10),
  y: ids.map(() => 0),
  cluster: ids.map(() => 0),
  clusters: [{ number: 0, words: [], movies: ids.length, x: 0, y: 0 }],
});
const response = (snapshot: string, ids: string[]) => ({
  snapshot_id: snapshot,
  matched: ids.length,
  took_ms: { encode: 0, search: 0, total: 0 },
  hits: ids.map((id, n) => hit(id, n + 1)),
});
const war = { ...EMPTY_STATE, query: "war" };

function started() {
  const { client, requests } = heldClient();
  const seen: string[] = [];
  return { requests, seen, ...useMap(client, (id) => seen.push(id)) };
}

describe("the number of highlighted movies", () => {
  it("is a tenth of the movies, at least 10 and at most 100", () => {
    expect([4, 132, 500, 10_000].map(highlightCount)).toEqual([10, 13, 50, 100]);
  });
});

describe("the map", () => {
  it("is loaded once", async () => {
    const { requests, map: shown, highlighted, show, seen, grid } = started();
    const done = show(EMPTY_STATE);
    await requests[0]?.respond(map("1", ["a", "b"]));
    await done;
    expect(requests.map(({ url }) => url)).toEqual(["/map"]);
    expect(shown.value?.movie_ids).toEqual(["a", "b"]);
    expect(grid.value?.nearest({ x: 0.1, y: 0 }, 0.05)).toBe(1);
    expect(highlighted.value).toBeNull();
    expect(seen).toEqual(["1"]);
    await show(EMPTY_STATE);
    expect(requests).toHaveLength(1);
  });

  it("highlights the results of a search, the best first", async () => {
    const { requests, highlighted, show, notice } = started();
    const done = show(war);
    await requests[0]?.respond(map("1", ["a", "b", "c"]));
    expect(requests[1]?.body).toMatchObject({ query: "war", k: 10, evidence: 0 });
    await requests[1]?.respond(response("1", ["c", "a"]));
    await done;
    expect(highlighted.value).toEqual([2, 0]);
    expect(notice.value.text).toContain("2 best matches");
    await show(EMPTY_STATE);
    expect(highlighted.value).toBeNull();
  });

  it("is loaded again when a search response comes from another snapshot", async () => {
    const { requests, map: shown, highlighted, show } = started();
    const first = show(EMPTY_STATE);
    await requests[0]?.respond(map("1", ["a"]));
    await first;
    const done = show(war);
    await requests[1]?.respond(response("2", ["b"]));
    expect(requests[2]?.url).toBe("/map");
    await requests[2]?.respond(map("2", ["a", "b"]));
    await done;
    expect(shown.value?.snapshot_id).toBe("2");
    expect(highlighted.value).toEqual([1]);
  });

  it("ignores a search response that arrives too late", async () => {
    const { requests, highlighted, show } = started();
    const first = show(EMPTY_STATE);
    await requests[0]?.respond(map("1", ["a"]));
    await first;
    const slow = show(war);
    await show(EMPTY_STATE);
    await requests[1]?.respond(response("1", ["a"]));
    await slow;
    expect(highlighted.value).toBeNull();
  });

  it("reports a snapshot without a map, and a search without results", async () => {
    const { requests, show, notice } = started();
    const missing = show(EMPTY_STATE);
    await requests[0]?.respond({ title: "no map", code: "no-map" }, 404);
    await missing;
    expect(notice.value).toMatchObject({ kind: "trouble" });
    expect(notice.value.text).toContain("no map");
    const empty = show(war);
    await requests[1]?.respond(map("1", ["a"]));
    await requests[2]?.respond(response("1", []));
    await empty;
    await settle();
    expect(notice.value.text).toContain("No movies found");
  });
});

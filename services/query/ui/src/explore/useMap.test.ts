import { describe, expect, it } from "vitest";

import { NOTHING } from "../search/state";
import { heldClient, hit, settle } from "../testing";
import { litOf, useMap } from "./useMap";

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
const answer = (snapshot: string, ids: string[]) => ({
  snapshot_id: snapshot,
  matched: ids.length,
  took_ms: { encode: 0, search: 0, total: 0 },
  hits: ids.map((id, n) => hit(id, n + 1)),
});
const war = { ...NOTHING, query: "war" };

function started() {
  const { client, asked } = heldClient();
  const seen: string[] = [];
  return { asked, seen, ...useMap(client, (id) => seen.push(id)) };
}

describe("what a search lights up", () => {
  it("is a tenth of the films, but some, and no more than can be asked for", () => {
    expect([4, 132, 500, 10_000].map(litOf)).toEqual([10, 13, 50, 100]);
  });
});

describe("the map", () => {
  it("is drawn, and asked for once", async () => {
    const { asked, map: shown, lit, show, seen, grid } = started();
    const done = show(NOTHING);
    await asked[0]?.answer(map("1", ["a", "b"]));
    await done;
    expect(asked.map(({ url }) => url)).toEqual(["/map"]);
    expect(shown.value?.movie_ids).toEqual(["a", "b"]);
    expect(grid.value?.nearest({ x: 0.1, y: 0 }, 0.05)).toBe(1);
    expect(lit.value).toBeNull();
    expect(seen).toEqual(["1"]);
    await show(NOTHING);
    expect(asked).toHaveLength(1);
  });

  it("is lit by a search, the best first", async () => {
    const { asked, lit, show, notice } = started();
    const done = show(war);
    await asked[0]?.answer(map("1", ["a", "b", "c"]));
    expect(asked[1]?.body).toMatchObject({ query: "war", k: 10, evidence: 0 });
    await asked[1]?.answer(answer("1", ["c", "a"]));
    await done;
    expect(lit.value).toEqual([2, 0]);
    expect(notice.value.text).toContain("2 best films");
    await show(NOTHING);
    expect(lit.value).toBeNull();
  });

  it("is drawn anew when another snapshot has answered", async () => {
    const { asked, map: shown, lit, show } = started();
    const first = show(NOTHING);
    await asked[0]?.answer(map("1", ["a"]));
    await first;
    const done = show(war);
    await asked[1]?.answer(answer("2", ["b"]));
    expect(asked[2]?.url).toBe("/map");
    await asked[2]?.answer(map("2", ["a", "b"]));
    await done;
    expect(shown.value?.snapshot_id).toBe("2");
    expect(lit.value).toEqual([1]);
  });

  it("is not lit by an answer that comes too late", async () => {
    const { asked, lit, show } = started();
    const first = show(NOTHING);
    await asked[0]?.answer(map("1", ["a"]));
    await first;
    const slow = show(war);
    await show(NOTHING);
    await asked[1]?.answer(answer("1", ["a"]));
    await slow;
    expect(lit.value).toBeNull();
  });

  it("says so when the snapshot has none, and when nothing is found", async () => {
    const { asked, show, notice } = started();
    const missing = show(NOTHING);
    await asked[0]?.answer({ title: "no map", code: "no-map" }, 404);
    await missing;
    expect(notice.value).toMatchObject({ kind: "trouble" });
    expect(notice.value.text).toContain("no map yet");
    const empty = show(war);
    await asked[1]?.answer(map("1", ["a"]));
    await asked[2]?.answer(answer("1", []));
    await empty;
    await settle();
    expect(notice.value.text).toContain("No film is found");
  });
});

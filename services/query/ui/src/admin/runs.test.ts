import { describe, expect, it } from "vitest";

import type { Run, Site } from "./api";
import {
  announcement,
  countsOf,
  headline,
  isActive,
  isHeldBack,
  mannersOf,
  progressOf,
  sharesOf,
  stepsOf,
  wholeRunOf,
} from "./runs";
import { run } from "./testing";

const whole = run({ state: "searchable", crawled: 100, kept: 100, stored: 100 });

describe("the steps of a run", () => {
  const told = (state: Run["state"]) => stepsOf(run({ state })).map(({ is }) => is);

  it("tells what is done, what is now and what is ahead", () => {
    expect(told("queued")).toEqual(["now", "ahead", "ahead", "ahead"]);
    expect(told("embedding")).toEqual(["done", "done", "now", "ahead"]);
    expect(told("searchable")).toEqual(["done", "done", "done", "done"]);
  });
});

it("knows which runs go on", () => {
  const going: Run["state"][] = ["queued", "crawling", "embedding"];
  const ended: Run["state"][] = ["searchable", "incomplete", "failed", "cancelled"];
  expect(going.every((state) => isActive(run({ state })))).toBe(true);
  expect(ended.some((state) => isActive(run({ state })))).toBe(false);
  expect(isActive(null)).toBe(false);
});

describe("a run that was held back", () => {
  // As the embedder and ingest say it.
  const removal =
    '8 of the 10 reviews that the source demo had are gone from it, more than half: nothing was removed; if they are really gone, crawl again with `--allow-removals`, or "allow_removals": true';

  it("is known by what its error asks for", () => {
    expect(isHeldBack(run({ state: "incomplete", error: removal }))).toBe(true);
    expect(isHeldBack(run({ state: "failed", error: "crawl with allow_removals" }))).toBe(true);
  });

  it("is no other one", () => {
    expect(isHeldBack(run({ state: "failed", error: "robots.txt is unreachable" }))).toBe(false);
    expect(isHeldBack(run({ state: "failed", error: removal, allow_removals: true }))).toBe(false);
    expect(isHeldBack(run())).toBe(false);
    expect(isHeldBack(null)).toBe(false);
  });
});

describe("the parts of a run", () => {
  it("add up to all that it has seen", () => {
    const shares = sharesOf(
      run({ crawled: 10, kept: 10, stored: 3, duplicate: 2, dead_lettered: 1 }),
    );
    expect(shares.map(({ count }) => count)).toEqual([3, 12, 1, 4]);
    expect(shares.reduce((sum, { part }) => sum + part, 0)).toBeCloseTo(1);
  });

  it("are none before anything is seen", () => {
    expect(sharesOf(run())).toEqual([]);
  });

  it("are never less than nothing: the two ends of a run count on their own", () => {
    const shares = sharesOf(run({ crawled: 3, stored: 4 }));
    expect(shares.map(({ count }) => count)).toEqual([4, 0, 0, 0]);
  });
});

describe("progress", () => {
  it("is told by what the source had last time, and never quite whole while it crawls", () => {
    expect(progressOf(run({ state: "crawling", crawled: 30, kept: 20 }), whole)).toBe(0.25);
    expect(progressOf(run({ state: "crawling", crawled: 900 }), whole)).toBe(0.99);
  });

  it("cannot be told of a first crawl, nor while the run waits", () => {
    expect(progressOf(run({ state: "crawling", crawled: 30 }), null)).toBeNull();
    expect(progressOf(run({ state: "queued" }), whole)).toBeNull();
  });

  it("is what is encoded of what is new", () => {
    const counts = { crawled: 20, duplicate: 8, dead_lettered: 2, stored: 10, embedded: 5 };
    expect(progressOf(run({ state: "embedding", ...counts }), null)).toBe(0.5);
    expect(progressOf(run({ state: "embedding", kept: 9 }), null)).toBe(1);
  });

  it("is compared with a run of the same source that saw all of it", () => {
    const failed = run({ state: "failed" });
    const other = run({ source: "other", state: "searchable" });
    expect(wholeRunOf("demo", [failed, other, whole])).toBe(whole);
    expect(wholeRunOf("demo", [failed, other])).toBeNull();
  });
});

describe("a run in one line", () => {
  it.each<[Partial<Run>, string]>([
    [{ state: "queued" }, "waits for ingest"],
    [{ state: "crawling" }, "has just begun"],
    [{ state: "failed" }, "nothing was seen"],
    [{ state: "searchable", pages: 9, kept: 660 }, "660 reviews, nothing new"],
    [
      { state: "searchable", crawled: 9, kept: 2, stored: 4, removed: 2, dead_lettered: 1 },
      "11 reviews, 4 new or changed, 2 removed, 1 dead-lettered",
    ],
  ])("%j is %s", (fields, said) => {
    expect(headline(run(fields))).toBe(said);
  });
});

describe("what is said aloud", () => {
  it("is said when a run has moved on, and once", () => {
    const before = run({ state: "crawling" });
    expect(announcement(before, run({ state: "crawling", crawled: 5 }))).toBe("");
    expect(announcement(before, run({ state: "embedding" }))).toBe("demo is embedding");
    expect(announcement(null, before)).toBe("demo is crawling");
  });

  it("says what came of it, and what was wrong", () => {
    const failed = run({ state: "failed", error: "no network" });
    expect(announcement(run(), failed)).toBe("demo is failed: nothing was seen. no network");
  });
});

it("tells how long pages took to be searchable, when it knows", () => {
  const told = (fields: Partial<Run>) => new Map(countsOf(run(fields))).get("Page to searchable");
  expect(told({})).toBeUndefined();
  expect(told({ freshness_median_s: 11.4, freshness_max_s: 36.9 })).toBe("11 s, 37 s at most");
});

describe("manners", () => {
  const site: Site = {
    robots: "obeyed",
    crawl_delay_s: 2,
    delay_s: 2.6,
    requests: 505,
    not_modified: 500,
    forbidden: 0,
    refused: 0,
    retry_after: 1,
    failed: 0,
    received_bytes: 1842113,
  };

  it("are told, without what did not happen", () => {
    expect(mannersOf(site)).toEqual([
      ["robots.txt", "obeyed"],
      ["Pause", "2.6 s at most, 2 s asked for"],
      ["Requests", "505"],
      ["Not modified", "500"],
      ["Asked us to wait", "1"],
      ["Received", "1.8 MB"],
    ]);
  });
});

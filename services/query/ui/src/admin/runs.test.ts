import { describe, expect, it } from "vitest";

import type { Run, Site } from "./api";
import {
  announcement,
  countsOf,
  headline,
  isActive,
  isHeldBack,
  lastCompleteRun,
  progressOf,
  sharesOf,
  siteFacts,
  stepsOf,
  unreadOf,
} from "./runs";
import { run } from "./testing";

const complete = run({ state: "searchable", crawled: 100, kept: 100, stored: 100 });

describe("the steps of a run", () => {
  const statuses = (state: Run["state"]) => stepsOf(run({ state })).map(({ status }) => status);

  it("are done, current or ahead", () => {
    expect(statuses("queued")).toEqual(["current", "ahead", "ahead", "ahead"]);
    expect(statuses("embedding")).toEqual(["done", "done", "current", "ahead"]);
    expect(statuses("searchable")).toEqual(["done", "done", "done", "done"]);
  });
});

it("distinguishes active and ended runs", () => {
  const active: Run["state"][] = ["queued", "crawling", "embedding"];
  const ended: Run["state"][] = ["searchable", "incomplete", "failed", "cancelled"];
  expect(active.every((state) => isActive(run({ state })))).toBe(true);
  expect(ended.some((state) => isActive(run({ state })))).toBe(false);
  expect(isActive(null)).toBe(false);
});

describe("a run that was held back", () => {
  // The error as the embedder writes it.
  const removal =
    '8 of the 10 reviews and 1 of the 3 movies that source demo had are gone from it, more than half: nothing was removed; to confirm, crawl it again with `movie-search ingest demo --allow-removals`, or "allow_removals": true';

  it("is recognized by the option that its error names", () => {
    expect(isHeldBack(run({ state: "incomplete", error: removal }))).toBe(true);
    expect(isHeldBack(run({ state: "failed", error: "crawl with allow_removals" }))).toBe(true);
  });

  it("is not any other failed run", () => {
    expect(isHeldBack(run({ state: "failed", error: "robots.txt is unreachable" }))).toBe(false);
    expect(isHeldBack(run({ state: "failed", error: removal, allow_removals: true }))).toBe(false);
    expect(isHeldBack(run())).toBe(false);
    expect(isHeldBack(null)).toBe(false);
  });
});

describe("the shares of a run", () => {
  it("add up to all reviews that it has seen", () => {
    const shares = sharesOf(
      run({ crawled: 10, kept: 10, stored: 3, duplicate: 2, dead_lettered: 1 }),
    );
    expect(shares.map(({ count }) => count)).toEqual([3, 12, 1, 4]);
    expect(shares.reduce((sum, { part }) => sum + part, 0)).toBeCloseTo(1);
  });

  it("are empty before any review is seen", () => {
    expect(sharesOf(run())).toEqual([]);
  });

  it("are never negative, though crawler and embedder count independently", () => {
    const shares = sharesOf(run({ crawled: 3, stored: 4 }));
    expect(shares.map(({ count }) => count)).toEqual([4, 0, 0, 0]);
  });
});

describe("progress", () => {
  it("is estimated from the last complete run, and below 1 while crawling", () => {
    expect(progressOf(run({ state: "crawling", crawled: 30, kept: 20 }), complete)).toBe(0.25);
    expect(progressOf(run({ state: "crawling", crawled: 900 }), complete)).toBe(0.99);
  });

  it("is unknown for a first crawl and for a queued run", () => {
    expect(progressOf(run({ state: "crawling", crawled: 30 }), null)).toBeNull();
    expect(progressOf(run({ state: "queued" }), complete)).toBeNull();
  });

  it("is the encoded share of new reviews while embedding", () => {
    const counts = { crawled: 20, duplicate: 8, dead_lettered: 2, stored: 10, embedded: 5 };
    expect(progressOf(run({ state: "embedding", ...counts }), null)).toBe(0.5);
    expect(progressOf(run({ state: "embedding", kept: 9 }), null)).toBe(1);
  });

  it("is compared with the last complete run of the same source", () => {
    const failed = run({ state: "failed" });
    const other = run({ source: "other", state: "searchable" });
    expect(lastCompleteRun("demo", [failed, other, complete])).toBe(complete);
    expect(lastCompleteRun("demo", [failed, other])).toBeNull();
  });
});

describe("the summary of a run", () => {
  it.each<[Partial<Run>, string]>([
    [{ state: "queued" }, "waiting to start"],
    [{ state: "crawling" }, "just started"],
    [{ state: "failed" }, "no reviews"],
    [{ state: "searchable", pages: 9, kept: 660 }, "660 reviews, nothing new"],
    [
      { state: "searchable", crawled: 9, kept: 2, stored: 4, removed: 2, dead_lettered: 1 },
      "11 reviews, 4 new or changed, 2 removed, 1 dead-lettered",
    ],
  ])("of %j is %s", (fields, text) => {
    expect(headline(run(fields))).toBe(text);
  });
});

describe("the announcement of a run", () => {
  it("is made once when the state changes", () => {
    const before = run({ state: "crawling" });
    expect(announcement(before, run({ state: "crawling", crawled: 5 }))).toBe("");
    expect(announcement(before, run({ state: "embedding" }))).toBe("demo: embedding");
    expect(announcement(null, before)).toBe("demo: crawling");
  });

  it("contains the result and the error", () => {
    const failed = run({ state: "failed", error: "no network" });
    expect(announcement(run(), failed)).toBe("demo: failed, no reviews. no network");
  });
});

it("lists how long pages took to become searchable, if known", () => {
  const time = (fields: Partial<Run>) => new Map(countsOf(run(fields))).get("Time to searchable");
  expect(time({})).toBeUndefined();
  expect(time({ freshness_median_s: 11.4, freshness_max_s: 36.9 })).toBe("median 11 s, max 37 s");
});

describe("the facts of a site", () => {
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

  it("leave out counts of zero", () => {
    expect(siteFacts(site)).toEqual([
      ["robots.txt", "obeyed"],
      ["Delay", "up to 2.6 s (robots.txt: 2 s)"],
      ["Requests", "505"],
      ["Not modified", "500"],
      ["Asked to wait", "1"],
      ["Received", "1.8 MB"],
    ]);
  });
});

it("says what a run could not read", () => {
  expect(unreadOf(complete)).toBe("");
  const damaged = run({
    state: "searchable",
    crawled: 3,
    pages: 2,
    unread_values: 1,
    unread_pages: 2,
  });
  expect(unreadOf(damaged)).toBe("1 value, 2 pages");
  expect(headline(damaged)).toContain("1 value, 2 pages not read");
  expect(countsOf(damaged)).toContainEqual(["Pages not read", "2"]);
});

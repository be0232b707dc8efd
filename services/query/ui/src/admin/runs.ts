// What a run's record says, in words and in parts of a whole.

import type { Run, RunState, Site } from "./api";
import { duration, many, size } from "./words";

const ACTIVE: ReadonlySet<RunState> = new Set(["queued", "crawling", "embedding"]);
const STEPS = ["queued", "crawling", "embedding", "searchable"] as const;

export function isActive(run: Run | null | undefined): run is Run {
  return !!run && ACTIVE.has(run.state);
}

/** Whether it ended because it would have removed much, which nobody had allowed. */
export function isHeldBack(run: Run | null): boolean {
  return !!run?.error && !run.allow_removals && /allow[-_]removals/.test(run.error);
}

export interface Step {
  name: string;
  is: "done" | "now" | "ahead";
}

/** The way of a run that goes well, and how far it is. */
export function stepsOf(run: Run): Step[] {
  const at = STEPS.findIndex((step) => step === run.state);
  return STEPS.map((name, n) => ({
    name,
    is: n < at || run.state === "searchable" ? "done" : n === at ? "now" : "ahead",
  }));
}

export interface Share {
  name: string;
  count: number;
  /** Of all reviews that the run has seen, from 0 to 1. */
  part: number;
}

/** What has become of the reviews that a run has seen; all parts together are 1, or there are none. */
export function sharesOf(run: Run): Share[] {
  const waiting = run.crawled - run.stored - run.duplicate - run.dead_lettered;
  const counts: [string, number][] = [
    ["new or changed", run.stored],
    ["unchanged", run.duplicate + run.kept],
    ["dead-lettered", run.dead_lettered],
    ["on the way", Math.max(0, waiting)],
  ];
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  return all === 0 ? [] : counts.map(([name, count]) => ({ name, count, part: count / all }));
}

/**
 * How far a run is, from 0 to 1, as far as can be told; null when it cannot.
 *
 * @param before A run of the same source that saw all of it: about as much is to be expected.
 */
export function progressOf(run: Run, before: Run | null): number | null {
  if (!isActive(run)) return 1;
  const seen = run.crawled + run.kept;
  if (run.state === "embedding") {
    const toStore = run.crawled - run.duplicate - run.dead_lettered;
    return toStore <= 0 ? 1 : Math.min(1, run.embedded / toStore);
  }
  const expected = before ? before.crawled + before.kept : 0;
  return run.state === "crawling" && expected ? Math.min(0.99, seen / expected) : null;
}

/** The newest run in a list that saw all of a source. */
export function wholeRunOf(source: string, runs: readonly Run[]): Run | null {
  return runs.find((run) => run.source === source && run.state === "searchable") ?? null;
}

/** A run in one line. */
export function headline(run: Run): string {
  const seen = run.crawled + run.kept;
  if (run.state === "queued") return "waits for ingest";
  if (seen === 0 && run.pages === 0) return isActive(run) ? "has just begun" : "nothing was seen";
  const parts = [many(seen, "review")];
  if (run.stored) parts.push(`${run.stored.toLocaleString()} new or changed`);
  else if (seen) parts.push("nothing new");
  if (run.removed) parts.push(`${run.removed.toLocaleString()} removed`);
  if (run.dead_lettered) parts.push(`${run.dead_lettered.toLocaleString()} dead-lettered`);
  return parts.join(", ");
}

/** The counts of a run, by name. */
export function countsOf(run: Run): [string, string][] {
  const counts: [string, number][] = [
    ["Pages", run.pages],
    ["Films", run.movies],
    ["Crawled", run.crawled],
    ["On unchanged pages", run.kept],
    ["Stored", run.stored],
    ["Duplicate", run.duplicate],
    ["Dead-lettered", run.dead_lettered],
    ["Embedded", run.embedded],
    ["Removed", run.removed],
  ];
  const told = counts.map(([name, count]): [string, string] => [name, count.toLocaleString()]);
  const { freshness_median_s: median, freshness_max_s: longest } = run;
  if (median !== null) {
    const most = longest === null ? "" : `, ${duration(longest)} at most`;
    told.push(["Page to searchable", `${duration(median)}${most}`]);
  }
  return told;
}

/** What to say aloud when a run has moved on; empty when it has not. */
export function announcement(before: Run | null | undefined, now: Run): string {
  if (before && before.run_id === now.run_id && before.state === now.state) return "";
  const end = isActive(now) ? "" : `: ${headline(now)}`;
  const error = now.error ? `. ${now.error}` : "";
  return `${now.source} is ${now.state}${end}${error}`;
}

const ROBOTS: Record<Site["robots"], string> = {
  obeyed: "obeyed",
  absent: "there is none",
  unreachable: "unreachable, so nothing was asked for",
  "not asked": "not asked for",
};

/** How a crawl and a host behaved towards each other, by name. */
export function mannersOf(site: Site): [string, string][] {
  const asked = site.crawl_delay_s === null ? "" : `, ${duration(site.crawl_delay_s)} asked for`;
  const told: [string, string][] = [
    ["robots.txt", ROBOTS[site.robots]],
    ["Pause", `${duration(site.delay_s)} at most${asked}`],
    ["Requests", site.requests.toLocaleString()],
  ];
  const counts: [string, number][] = [
    ["Not modified", site.not_modified],
    ["Forbidden by robots.txt", site.forbidden],
    ["Refused", site.refused],
    ["Asked us to wait", site.retry_after],
    ["Failed", site.failed],
  ];
  for (const [name, count] of counts) if (count) told.push([name, count.toLocaleString()]);
  told.push(["Received", size(site.received_bytes)]);
  return told;
}

// Turns the record of a run into texts and shares.

import type { Run, RunState, Site } from "./api";
import { plural } from "../ui/numbers";
import { duration, fileSize } from "./format";

const ACTIVE: ReadonlySet<RunState> = new Set(["queued", "crawling", "embedding"]);
const STEPS = ["queued", "crawling", "embedding", "searchable"] as const;

export function isActive(run: Run | null | undefined): run is Run {
  return !!run && ACTIVE.has(run.state);
}

/** Whether the run was stopped because it would have removed too much without permission. */
export function isHeldBack(run: Run | null): boolean {
  return !!run?.error && !run.allow_removals && /allow[-_]removals/.test(run.error);
}

export interface Step {
  name: string;
  status: "done" | "current" | "ahead";
}

/** The steps of a successful run, and how far this run has got. */
export function stepsOf(run: Run): Step[] {
  const at = STEPS.findIndex((step) => step === run.state);
  return STEPS.map((name, n) => ({
    name,
    status: n < at || run.state === "searchable" ? "done" : n === at ? "current" : "ahead",
  }));
}

export interface Share {
  name: string;
  count: number;
  /** The share of all reviews that the run has seen, from 0 to 1. */
  part: number;
}

/** The outcome of the reviews that a run has seen; the parts add up to 1. Empty without reviews. */
export function sharesOf(run: Run): Share[] {
  const waiting = run.crawled - run.stored - run.duplicate - run.dead_lettered;
  const counts: [string, number][] = [
    ["new or changed", run.stored],
    ["unchanged", run.duplicate + run.kept],
    ["dead-lettered", run.dead_lettered],
    ["in progress", Math.max(0, waiting)],
  ];
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  return all === 0 ? [] : counts.map(([name, count]) => ({ name, count, part: count / all }));
}

/**
 * The estimated progress of a run, from 0 to 1; null if there is nothing to base an estimate on.
 *
 * @param previous The last complete run of the source: about as many reviews are expected.
 */
export function progressOf(run: Run, previous: Run | null): number | null {
  if (!isActive(run)) return 1;
  const seen = run.crawled + run.kept;
  if (run.state === "embedding") {
    const toStore = run.crawled - run.duplicate - run.dead_lettered;
    return toStore <= 0 ? 1 : Math.min(1, run.embedded / toStore);
  }
  const expected = previous ? previous.crawled + previous.kept : 0;
  return run.state === "crawling" && expected ? Math.min(0.99, seen / expected) : null;
}

/** The newest run in a list that covered all of a source. */
export function lastCompleteRun(source: string, runs: readonly Run[]): Run | null {
  return runs.find((run) => run.source === source && run.state === "searchable") ?? null;
}

/** What a run could not read, in words; empty if it read everything. */
export function unreadOf(run: Run): string {
  const parts: string[] = [];
  if (run.unread_values) parts.push(plural(run.unread_values, "value"));
  if (run.unread_rows) parts.push(plural(run.unread_rows, "row"));
  if (run.unread_pages) parts.push(plural(run.unread_pages, "page"));
  return parts.join(", ");
}

/** A one-line summary of a run. */
export function headline(run: Run): string {
  const seen = run.crawled + run.kept;
  if (run.state === "queued") return "waiting to start";
  if (seen === 0 && run.pages === 0) return isActive(run) ? "just started" : "no reviews";
  const parts = [plural(seen, "review")];
  if (run.stored) parts.push(`${run.stored.toLocaleString()} new or changed`);
  else if (seen) parts.push("nothing new");
  if (run.removed) parts.push(`${run.removed.toLocaleString()} removed`);
  const unread = unreadOf(run);
  if (unread) parts.push(`${unread} not read`);
  if (run.dead_lettered) parts.push(`${run.dead_lettered.toLocaleString()} dead-lettered`);
  return parts.join(", ");
}

/** The counts of a run as names and values. */
export function countsOf(run: Run): [string, string][] {
  const counts: [string, number][] = [
    ["Pages", run.pages],
    ["Movies", run.movies],
    ["Crawled", run.crawled],
    ["On unchanged pages", run.kept],
    ["Stored", run.stored],
    ["Duplicates", run.duplicate],
    ["Dead-lettered", run.dead_lettered],
    ["Embedded", run.embedded],
    ["Removed", run.removed],
    ["Values not read", run.unread_values],
    ["Rows not read", run.unread_rows],
    ["Pages not read", run.unread_pages],
  ];
  const rows = counts.map(([name, count]): [string, string] => [name, count.toLocaleString()]);
  const { freshness_median_s: median, freshness_max_s: longest } = run;
  if (median !== null) {
    const max = longest === null ? "" : `, max ${duration(longest)}`;
    rows.push(["Time to searchable", `median ${duration(median)}${max}`]);
  }
  return rows;
}

/** The screen reader announcement when the state of a run changes; empty if it has not changed. */
export function announcement(before: Run | null | undefined, now: Run): string {
  if (before && before.run_id === now.run_id && before.state === now.state) return "";
  const result = isActive(now) ? "" : `, ${headline(now)}`;
  const error = now.error ? `. ${now.error}` : "";
  return `${now.source}: ${now.state}${result}${error}`;
}

const ROBOTS: Record<Site["robots"], string> = {
  obeyed: "obeyed",
  absent: "none",
  unreachable: "unreachable, so nothing was requested",
  "not asked": "not requested",
};

/** The traffic between a crawl and a host as names and values. */
export function siteFacts(site: Site): [string, string][] {
  const minimum =
    site.crawl_delay_s === null ? "" : ` (robots.txt: ${duration(site.crawl_delay_s)})`;
  const rows: [string, string][] = [
    ["robots.txt", ROBOTS[site.robots]],
    ["Delay", `up to ${duration(site.delay_s)}${minimum}`],
    ["Requests", site.requests.toLocaleString()],
  ];
  const counts: [string, number][] = [
    ["Not modified", site.not_modified],
    ["Forbidden by robots.txt", site.forbidden],
    ["Refused", site.refused],
    ["Asked to wait", site.retry_after],
    ["Failed", site.failed],
  ];
  for (const [name, count] of counts) if (count) rows.push([name, count.toLocaleString()]);
  rows.push(["Received", fileSize(site.received_bytes)]);
  return rows;
}

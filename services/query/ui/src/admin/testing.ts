// For tests: a run, and an admin API that responds when the test says so.

import { heldFetch, type PendingRequest } from "../testing";
import { createAdmin, type Admin, type Run } from "./api";

export function run(fields: Partial<Run> = {}): Run {
  return {
    run_id: "20250601T120000-1f0c9a4b",
    source: "demo",
    state: "queued",
    requested_at: "2025-06-01T12:00:00Z",
    started_at: null,
    crawled_at: null,
    ended_at: null,
    movies: 0,
    crawled: 0,
    stored: 0,
    duplicate: 0,
    dead_lettered: 0,
    embedded: 0,
    snapshot_id: null,
    error: null,
    attempts: 0,
    trigger: "request",
    allow_removals: false,
    pages: 0,
    kept: 0,
    removed: 0,
    unread_values: 0,
    unread_rows: 0,
    unread_pages: 0,
    counts: {},
    freshness_median_s: null,
    freshness_max_s: null,
    kept_page: null,
    sites: {},
    ...fields,
  };
}

export const PROBLEMS = {
  unauthorized: [{ code: "unauthorized", title: "The admin token is missing or wrong" }, 401],
  off: [{ code: "admin-off", title: "The admin API is off" }, 403],
  redis: [{ code: "redis-unavailable", title: "Redis cannot be reached" }, 503],
  busy: [{ code: "source-busy", title: "The source has a run that has not ended" }, 409],
} as const;

/** An admin client whose requests wait in `requests` until the test responds. */
export function heldAdmin(token = "secret"): { admin: Admin; requests: PendingRequest[] } {
  const { send, requests } = heldFetch();
  return { admin: createAdmin(token, send), requests };
}

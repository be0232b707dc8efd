// Retrying requests that can succeed later, and telling the user why the page waits: a service that
// is starting, busy or unreachable comes back, and the page then continues without a reload.

import { Problem } from "./client";

export const RETRY_DELAYS_MS: readonly number[] = [1500, 2000, 3000, 5000, 8000];

export interface RetryOptions {
  signal: AbortSignal;
  /** Called before each wait with the reason for it. */
  onWait: (reason: string) => void;
}

/** Call `request` until it succeeds; errors that waiting cannot fix are thrown. */
export async function retry<T>(
  request: (signal: AbortSignal) => Promise<T>,
  { signal, onWait }: RetryOptions,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await request(signal);
    } catch (error) {
      if (signal.aborted || (error instanceof Problem && !error.isTransient)) throw error;
      onWait(`${retryReason(error)} ${retryPlan(error)}`);
      const delay = RETRY_DELAYS_MS[Math.min(attempt, RETRY_DELAYS_MS.length - 1)] ?? 0;
      await wait(Math.max(delay, error instanceof Problem ? error.retryAfterMs : 0), signal);
    }
  }
}

const NOTHING_YET =
  "Nothing can be searched yet: the first crawl has not ended, or none has been started. " +
  "The operator starts one under Admin, or with “movie-search ingest SOURCE”.";

/** Why a request cannot succeed right now. */
export function retryReason(error: unknown): string {
  if (!(error instanceof Problem)) {
    return navigator.onLine ? "Cannot reach the server." : "You are offline.";
  }
  if (error.code === "not-ready") return NOTHING_YET;
  if (["overloaded", "search-timeout"].includes(error.code)) return "The server is busy.";
  return "The server is temporarily unavailable.";
}

function retryPlan(error: unknown): string {
  if (error instanceof Problem && error.code === "not-ready") {
    return "This page updates automatically when it is ready.";
  }
  return navigator.onLine ? "Retrying…" : "This page continues automatically once you reconnect.";
}

/** What to show for an error that waiting cannot fix. */
export function errorMessage(error: unknown): string {
  if (!(error instanceof Problem)) {
    return "An unexpected error occurred on this page. Reload it and try again.";
  }
  if (error.code === "unknown-movie") return "This movie is not in the index.";
  if (error.code === "invalid-request") {
    return ["This search is not valid.", ...error.fieldErrors.map((text) => `${text}.`)].join(" ");
  }
  return `${error.message}. Please try again.`;
}

/** Wait for a time, or until the network comes back. Rejects when aborted. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cleanUp = () => {
      clearTimeout(timer);
      removeEventListener("online", finish);
      signal.removeEventListener("abort", abort);
    };
    const finish = () => {
      cleanUp();
      resolve();
    };
    const abort = () => {
      cleanUp();
      reject(signal.reason);
    };
    const timer = setTimeout(finish, ms);
    addEventListener("online", finish);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort);
  });
}

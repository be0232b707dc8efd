// Asking again where that can help, and saying so meanwhile: a service that starts, that has too
// much to do or that is away comes back, and then what was asked for is there by itself.

import { Problem } from "./client";

export const RETRY_MS: readonly number[] = [1500, 2000, 3000, 5000, 8000];

export interface Persistence {
  signal: AbortSignal;
  /** Told why there is a wait, each time that there is one. */
  say: (text: string) => void;
}

/** `ask` until it is answered; what cannot pass by waiting is thrown. */
export async function persist<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  { signal, say }: Persistence,
): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await ask(signal);
    } catch (error) {
      if (signal.aborted || (error instanceof Problem && !error.passes)) throw error;
      say(reasonToWait(error));
      const pause = RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)] ?? 0;
      await wait(Math.max(pause, error instanceof Problem ? error.retryAfterMs : 0), signal);
    }
  }
}

export function reasonToWait(error: unknown): string {
  if (!(error instanceof Problem)) {
    return navigator.onLine
      ? "The service cannot be reached. Trying again."
      : "You are offline. This goes on by itself when you are back.";
  }
  if (error.code === "not-ready") {
    return "The index is being built. This page goes on by itself as soon as it is ready.";
  }
  return "Many people are searching. Trying again.";
}

/** What to say of a failure that waiting does not mend. */
export function complaint(error: unknown): string {
  if (!(error instanceof Problem)) return "Something went wrong on this page. Please try again.";
  if (error.code === "unknown-movie") return "That film is not in the index.";
  if (error.code === "invalid-request") {
    return `That cannot be searched for. ${error.wanted.map((text) => `${text}.`).join(" ")}`;
  }
  return `${error.message}. Please try again.`;
}

/** Wait; less long if the network comes back meanwhile. Rejects when aborted. */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", go);
      signal.removeEventListener("abort", stop);
    };
    const go = () => {
      end();
      resolve();
    };
    const stop = () => {
      end();
      reject(signal.reason);
    };
    const timer = setTimeout(go, ms);
    addEventListener("online", go);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop);
  });
}

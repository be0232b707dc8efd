// For tests: an API that responds when the test says so, and movies for its responses.

import { createClient, type Hit, type Movie, type SimilarHit } from "./api/client";

export function movie(id: string, fields: Partial<Movie> = {}): Movie {
  return {
    movie_id: id,
    title: `Movie ${id}`,
    original_title: null,
    year: 1984,
    genres: ["Drama"],
    directors: [],
    people: [],
    countries: [],
    languages: [],
    keywords: [],
    description: null,
    runtime_minutes: null,
    rating: null,
    votes: null,
    review_count: 1,
    url: null,
    poster_url: null,
    poster: null,
    cluster: null,
    ...fields,
  };
}

export function hit(id: string, rank = 1): Hit {
  return { rank, score: 1, fit: 0.5, movie: movie(id), evidence: [], parts: null };
}

export function similarHit(id: string, fields: Partial<SimilarHit> = {}): SimilarHit {
  return { rank: 1, score: 1, fit: 0.5, movie: movie(id), evidence: [], reason: null, ...fields };
}

export interface PendingRequest {
  url: string;
  body: Record<string, unknown>;
  signal: AbortSignal;
  respond: (body: unknown, status?: number, headers?: Record<string, string>) => Promise<void>;
  /** Fail as `fetch` does when the server cannot be reached. */
  fail: () => Promise<void>;
}

/** A client whose requests wait in `requests` until the test responds, in any order. */
export function heldClient() {
  const { send, requests } = heldFetch();
  return { client: createClient(send), requests };
}

/** A `fetch` whose requests wait in `requests`. */
export function heldFetch() {
  const requests: PendingRequest[] = [];
  const send: typeof fetch = (input, init) => {
    let resolve: (response: Response) => void = () => undefined;
    let reject: (reason: unknown) => void = () => undefined;
    const promise = new Promise<Response>((...settlers) => ([resolve, reject] = settlers));
    const signal = init?.signal ?? new AbortController().signal;
    signal.addEventListener("abort", () => reject(signal.reason));
    requests.push({
      url: String(input),
      body: JSON.parse(String(init?.body ?? "{}")),
      signal,
      async respond(body, status = 200, headers = {}) {
        resolve(new Response(JSON.stringify(body), { status, headers }));
        await settle();
      },
      async fail() {
        reject(new TypeError("Failed to fetch"));
        await settle();
      },
    });
    return promise;
  };
  return { send, requests };
}

/** Let pending promise callbacks run. */
export async function settle(): Promise<void> {
  for (let n = 0; n < 20; n += 1) await Promise.resolve();
}

// For tests: a service that answers when it is told to, and films for its answers.

import { createClient, type Hit, type Movie, type SimilarHit } from "./api/client";

export function movie(id: string, more: Partial<Movie> = {}): Movie {
  return {
    movie_id: id,
    title: `Film ${id}`,
    year: 1984,
    genres: ["Drama"],
    directors: [],
    description: null,
    rating: null,
    review_count: 1,
    url: null,
    cluster: null,
    ...more,
  };
}

export function hit(id: string, rank = 1): Hit {
  return { rank, score: 1, movie: movie(id), evidence: [], parts: null };
}

export function similarHit(id: string, of: Partial<SimilarHit> = {}): SimilarHit {
  return { rank: 1, score: 1, movie: movie(id), evidence: [], reason: null, ...of };
}

export interface Asked {
  url: string;
  body: Record<string, unknown>;
  signal: AbortSignal;
  answer: (body: unknown, status?: number, headers?: Record<string, string>) => Promise<void>;
  fail: () => Promise<void>;
}

/** A client whose requests wait in `asked` until the test answers them, in whatever order. */
export function heldClient() {
  const { send, asked } = heldSend();
  return { client: createClient(send), asked };
}

/** What a client sends with; its requests wait in `asked`. */
export function heldSend() {
  const asked: Asked[] = [];
  const send: typeof fetch = (input, init) => {
    let resolve: (response: Response) => void = () => undefined;
    let reject: (reason: unknown) => void = () => undefined;
    const promise = new Promise<Response>((...how) => ([resolve, reject] = how));
    const signal = init?.signal ?? new AbortController().signal;
    signal.addEventListener("abort", () => reject(signal.reason));
    asked.push({
      url: String(input),
      body: JSON.parse(String(init?.body ?? "{}")),
      signal,
      async answer(body, status = 200, headers = {}) {
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
  return { send, asked };
}

/** Let all that follows from what has happened happen. */
export async function settle(): Promise<void> {
  for (let n = 0; n < 20; n += 1) await Promise.resolve();
}

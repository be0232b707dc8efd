// A client of the HTTP API: the paths, parameters and answers are checked by the types of openapi.json.
//
//   const movies = new MovieSearch("https://movies.example.org", { key: "msk_..." });
//   const { hits } = await movies.post("/search", { body: { query: "slow heist in the rain" } });
//   const similar = await movies.get("/movies/{movie_id}/similar", { path: { movie_id: hits[0].movie.movie_id } });

import type { components, paths } from "./schema.js";

export type { components, paths };
export type Problem = components["schemas"]["Problem"];

type Method = "get" | "post" | "delete";
type PathsWith<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in M]: { responses: unknown } } ? P : never;
}[keyof paths];
type Operation<P extends keyof paths, M extends Method> = M extends keyof paths[P] ? paths[P][M] : never;

type Parameters<O> = O extends { parameters: infer A } ? A : never;
type Part<Name extends "path" | "query", O> =
  Parameters<O> extends { [K in Name]: infer T }
    ? { [K in Name]: T }
    : Parameters<O> extends { [K in Name]?: infer T }
      ? [T] extends [undefined]
        ? unknown
        : { [K in Name]?: T }
      : unknown;
type Body<O> = O extends { requestBody: { content: { "application/json": infer B } } } ? { body: B } : unknown;
export type Options<O> = Part<"path", O> & Part<"query", O> & Body<O> & { signal?: AbortSignal };

type Answers<O> = O extends { responses: infer R } ? R : never;
type Json<T> = T extends { content: { "application/json": infer J } } ? J : never;
export type Answer<O> = Json<Answers<O>[keyof Answers<O> & (200 | 202)]>;

/** An answer that is an error; `problem` has the stable `code`. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Problem | undefined,
    /** Seconds to wait before the next attempt, if the service says so. */
    readonly retryAfter: number | undefined,
  ) {
    super(problem ? `${problem.title}: ${problem.detail}` : `HTTP ${status}`);
    this.name = "ApiError";
  }
}

interface Sent {
  path?: Record<string, unknown>;
  query?: Record<string, unknown>;
  body?: unknown;
  signal?: AbortSignal;
}

export class MovieSearch {
  readonly #base: string;
  readonly #headers: Record<string, string>;
  readonly #fetch: typeof fetch;

  /** `key` is a search key, or the admin token; `fetch` replaces the global one. */
  constructor(base: string, options: { key?: string; fetch?: typeof fetch } = {}) {
    this.#base = base.replace(/\/+$/, "");
    this.#headers = options.key === undefined ? {} : { Authorization: `Bearer ${options.key}` };
    this.#fetch = options.fetch ?? ((...sent) => fetch(...sent));
  }

  get<P extends PathsWith<"get">>(path: P, options: Options<Operation<P, "get">>): Promise<Answer<Operation<P, "get">>> {
    return this.#send("GET", path, options as Sent);
  }

  post<P extends PathsWith<"post">>(path: P, options: Options<Operation<P, "post">>): Promise<Answer<Operation<P, "post">>> {
    return this.#send("POST", path, options as Sent);
  }

  delete<P extends PathsWith<"delete">>(
    path: P,
    options: Options<Operation<P, "delete">>,
  ): Promise<Answer<Operation<P, "delete">>> {
    return this.#send("DELETE", path, options as Sent);
  }

  async #send<T>(method: string, path: string, sent: Sent): Promise<T> {
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(sent.path?.[name])));
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(sent.query ?? {})) {
      if (value === undefined || value === null) continue;
      for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
    }
    const headers: Record<string, string> = { ...this.#headers };
    if (sent.body !== undefined) headers["Content-Type"] = "application/json";
    const response = await this.#fetch(`${this.#base}${filled}${query.size ? `?${query}` : ""}`, {
      method,
      headers,
      ...(sent.body === undefined ? {} : { body: JSON.stringify(sent.body) }),
      ...(sent.signal ? { signal: sent.signal } : {}),
    });
    const isJson = response.headers.get("Content-Type")?.includes("json") ?? false;
    if (!response.ok) {
      const problem = isJson ? ((await response.json()) as Problem) : undefined;
      const retryAfter = response.headers.get("Retry-After");
      throw new ApiError(response.status, problem, retryAfter === null ? undefined : Number(retryAfter));
    }
    return (isJson ? await response.json() : await response.text()) as T;
  }
}

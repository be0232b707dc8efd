// A client of the API. Its types come from the OpenAPI document (schema.d.ts, `make client`).

import type { components, paths } from "./schema";

type Schemas = components["schemas"];

export type Movie = Schemas["Movie"];
export type MovieDetail = Schemas["MovieDetail"];
export type Review = Schemas["Review"];
/** A passage; evidence also says what it is a passage of, and which words to mark. */
export type Passage = Schemas["Passage"] & Partial<Pick<Schemas["Evidence"], "kind" | "marks">>;
export type Parts = Schemas["Parts"];
export type Hit = Schemas["Hit"];
export type SimilarHit = Schemas["SimilarHit"];
export type SearchRequest = Schemas["SearchRequest"];
export type LookupRequest = Schemas["LookupRequest"];
export type LookupResponse = Schemas["LookupResponse"];
export type SearchResponse = Schemas["SearchResponse"];
export type SimilarResponse = Schemas["SimilarResponse"];
export type Interpretation = Schemas["QueryInterpretation"];
export type OtherLanguage = Schemas["OtherLanguage"];
export type Suggestions = Schemas["Suggestions"];
export type Facets = Schemas["Facets"];
export type MovieMap = Schemas["MovieMap"];
export type SnapshotInfo = Schemas["SnapshotInfo"];
export type ProblemDetails = Schemas["Problem"];

/** The body of a 200 response to a method of a path. */
type ResponseBody<P extends keyof paths, M extends "get" | "post"> = paths[P][M] extends {
  responses: { 200: { content: { "application/json": infer Body } } };
}
  ? Body
  : never;

/** The query parameters of a GET of a path. */
type Query<P extends keyof paths> = paths[P]["get"] extends { parameters: { query?: infer Q } }
  ? Q
  : never;

type GetPath = {
  [P in keyof paths]: ResponseBody<P, "get"> extends never ? never : P;
}[keyof paths];

/** An error response: problem+json from the service, or anything else from a proxy. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  /** More than the title says; may be empty. */
  readonly detail: string;
  /** What each invalid field must be; empty unless the request did not validate. */
  readonly fieldErrors: readonly string[];
  readonly retryAfterMs: number;

  constructor(response: Response, details: Partial<ProblemDetails>) {
    super(details.title ?? `The server responded with status ${response.status}`);
    this.status = response.status;
    this.code = details.code ?? "";
    this.detail = details.detail ?? "";
    this.fieldErrors = (details.errors ?? []).map((error) => error.message);
    this.retryAfterMs = 1000 * (Number(response.headers.get("Retry-After")) || 0);
  }

  /** Whether the same request can succeed later. */
  get isTransient(): boolean {
    return [502, 503, 504].includes(this.status);
  }
}

export type Client = ReturnType<typeof createClient>;

/** A client of the page's origin; fails with a `Problem`, or with the error of `fetch`. */
export function createClient(send: typeof fetch = (...request) => fetch(...request)) {
  async function read<T>(url: string, init: RequestInit): Promise<T> {
    const response = await send(url, {
      ...init,
      headers: { Accept: "application/json", ...(init.headers as Record<string, string>) },
    });
    if (!response.ok) throw new Problem(response, await response.json().catch(() => ({})));
    return (await response.json()) as T;
  }

  function get<P extends GetPath>(path: P, signal: AbortSignal, query?: Query<P>, movieId = "") {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query ?? {})) parameters.set(name, String(value));
    const filled = path.replace("{movie_id}", encodeURIComponent(movieId));
    const url = parameters.size ? `${filled}?${parameters}` : filled;
    return read<ResponseBody<P, "get">>(url, { signal });
  }

  function post<T>(path: string, body: unknown, signal: AbortSignal): Promise<T> {
    const headers = { "Content-Type": "application/json" };
    return read<T>(path, { method: "POST", body: JSON.stringify(body), headers, signal });
  }

  return {
    search: (request: SearchRequest, signal: AbortSignal) =>
      post<SearchResponse>("/search", request, signal),
    lookUp: (request: LookupRequest, signal: AbortSignal) =>
      post<LookupResponse>("/movies/lookup", request, signal),
    movie: (id: string, signal: AbortSignal) => get("/movies/{movie_id}", signal, undefined, id),
    reviews: (id: string, query: Query<"/movies/{movie_id}/reviews">, signal: AbortSignal) =>
      get("/movies/{movie_id}/reviews", signal, query, id),
    similar: (id: string, query: Query<"/movies/{movie_id}/similar">, signal: AbortSignal) =>
      get("/movies/{movie_id}/similar", signal, query, id),
    suggest: (query: Query<"/suggest">, signal: AbortSignal) => get("/suggest", signal, query),
    facets: (signal: AbortSignal) => get("/facets", signal),
    map: (signal: AbortSignal) => get("/map", signal),
    snapshot: (signal: AbortSignal) => get("/snapshot", signal),
  };
}

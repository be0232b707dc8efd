// A client of the admin API. The token exists only in the closure of this client: not in reactive
// state, storage or URLs.

import { Problem } from "../api/client";
import type { components } from "../api/schema";

type Schemas = components["schemas"];
/** In a response every field is present, also those that are optional in the schema. */
type Complete<T> = { [K in keyof Required<T>]: Required<T>[K] };

export type Site = Complete<Schemas["Site"]>;
export type Run = Complete<Omit<Schemas["Run"], "sites">> & { sites: Record<string, Site> };
export type RunState = Run["state"];
export interface SourceInfo {
  source: string;
  last_run: Run | null;
}
export type SnapshotEntry = Complete<Schemas["SnapshotEntry"]>;
export type SnapshotList = Omit<Schemas["SnapshotList"], "snapshots"> & {
  snapshots: SnapshotEntry[];
};
export type DeadLetter = Schemas["DeadLetter"];
export type DeadLetterPage = Schemas["DeadLetterPage"];
export type DeadLetterDetail = Schemas["DeadLetterDetail"];
export type Replayed = Schemas["Replayed"];
export type Activation = Complete<Schemas["Activation"]>;
export type RunAccepted = Schemas["RunAccepted"];
export type UnreadExample = Complete<Schemas["UnreadExample"]>;
export type SnapshotInfo = Schemas["SnapshotInfo"];

const TIMEOUT_MS = 15_000;

interface RequestOptions {
  method?: "GET" | "POST" | "DELETE";
  body?: unknown;
  /** An idempotency key, which makes repeating the request safe. */
  key?: string;
}

export type Admin = ReturnType<typeof createAdmin>;

/** A client that sends `token`; fails with a `Problem`, or with the error of `fetch`. */
export function createAdmin(token: string, send: typeof fetch = (...request) => fetch(...request)) {
  async function request(
    path: string,
    signal: AbortSignal,
    options: RequestOptions = {},
  ): Promise<Response> {
    const headers: Record<string, string> = { Authorization: `Bearer ${token}` };
    if (options.body !== undefined) headers["Content-Type"] = "application/json";
    if (options.key !== undefined) headers["Idempotency-Key"] = options.key;
    const response = await send(path, {
      method: options.method ?? "GET",
      headers,
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
    });
    if (!response.ok) throw new Problem(response, await response.json().catch(() => ({})));
    return response;
  }

  async function read<T>(path: string, signal: AbortSignal, options?: RequestOptions): Promise<T> {
    return (await (await request(path, signal, options)).json()) as T;
  }

  const letter = (id: string) => `/admin/dead-letters/${encodeURIComponent(id)}`;

  return {
    sources: (signal: AbortSignal) =>
      read<{ sources: SourceInfo[]; orphaned: string[] }>("/admin/sources", signal),
    runs: (limit: number, source: string, signal: AbortSignal) => {
      const parameters = new URLSearchParams({
        limit: String(limit),
        ...(source ? { source } : {}),
      });
      return read<{ runs: Run[] }>(`/admin/ingest?${parameters}`, signal);
    },
    ingest: (source: string, allowRemovals: boolean, key: string, signal: AbortSignal) =>
      read<RunAccepted>("/admin/ingest", signal, {
        method: "POST",
        body: { source, allow_removals: allowRemovals },
        key,
      }),
    cancel: (runId: string, signal: AbortSignal) =>
      read<Run>(`/admin/ingest/${encodeURIComponent(runId)}`, signal, { method: "DELETE" }),
    unread: (runId: string, signal: AbortSignal) =>
      read<{ unread: UnreadExample[] }>(
        `/admin/ingest/${encodeURIComponent(runId)}/unread`,
        signal,
      ),
    snapshots: (signal: AbortSignal) => read<SnapshotList>("/admin/snapshots", signal),
    activate: (id: string, signal: AbortSignal) =>
      read<Activation>(`/admin/snapshots/${encodeURIComponent(id)}/activate`, signal, {
        method: "POST",
      }),
    activation: (id: string, signal: AbortSignal) =>
      read<Activation>(`/admin/snapshots/activations/${encodeURIComponent(id)}`, signal),
    letters: (limit: number, cursor: string, signal: AbortSignal) => {
      const parameters = new URLSearchParams({
        limit: String(limit),
        ...(cursor ? { cursor } : {}),
      });
      return read<DeadLetterPage>(`/admin/dead-letters?${parameters}`, signal);
    },
    letter: (id: string, signal: AbortSignal) => read<DeadLetterDetail>(letter(id), signal),
    replay: (ids: readonly string[] | "all", signal: AbortSignal) =>
      read<Replayed>("/admin/dead-letters/replay", signal, {
        method: "POST",
        body: ids === "all" ? { all: true } : { ids },
      }),
    discard: async (id: string, signal: AbortSignal): Promise<void> => {
      await request(letter(id), signal, { method: "DELETE" });
    },
    /** Not part of the admin API: needs no token. */
    metrics: async (signal: AbortSignal): Promise<string> =>
      (await request("/metrics", signal)).text(),
    snapshot: (signal: AbortSignal) => read<SnapshotInfo>("/snapshot", signal),
  };
}

/** An idempotency key for one click, however often its request is repeated. */
export function newKey(): string {
  // crypto.randomUUID exists only on pages served over https.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// The admin API. The token lives in the closure of this client and nowhere else: not in reactive
// state, not in storage, not in an address.

import { Problem } from "../api/client";
import type { components } from "../api/schema";

type Schemas = components["schemas"];
/** An answer has every field, also those that a request could leave out. */
type Whole<T> = { [K in keyof Required<T>]: Required<T>[K] };

export type Site = Whole<Schemas["Site"]>;
export type Run = Whole<Omit<Schemas["Run"], "sites">> & { sites: Record<string, Site> };
export type RunState = Run["state"];
export interface SourceInfo {
  source: string;
  last_run: Run | null;
}
export type SnapshotEntry = Whole<Schemas["SnapshotEntry"]>;
export type SnapshotList = Omit<Schemas["SnapshotList"], "snapshots"> & {
  snapshots: SnapshotEntry[];
};
export type DeadLetter = Schemas["DeadLetter"];
export type DeadLetterPage = Schemas["DeadLetterPage"];
export type DeadLetterDetail = Schemas["DeadLetterDetail"];
export type Replayed = Schemas["Replayed"];
export type Activation = Whole<Schemas["Activation"]>;
export type RunAccepted = Schemas["RunAccepted"];
export type SnapshotInfo = Schemas["SnapshotInfo"];

const PATIENCE_MS = 15_000;

interface Sent {
  method?: "GET" | "POST" | "DELETE";
  body?: unknown;
  /** Makes repeating the request safe. */
  key?: string;
}

export type Admin = ReturnType<typeof createAdmin>;

/** A client that shows `token`; a failure is a `Problem`, or the network's own error. */
export function createAdmin(token: string, send: typeof fetch = (...request) => fetch(...request)) {
  async function ask(path: string, signal: AbortSignal, sent: Sent = {}): Promise<Response> {
    const headers: Record<string, string> = { Authorization: `Bearer ${token}` };
    if (sent.body !== undefined) headers["Content-Type"] = "application/json";
    if (sent.key !== undefined) headers["Idempotency-Key"] = sent.key;
    const response = await send(path, {
      method: sent.method ?? "GET",
      headers,
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
      ...(sent.body === undefined ? {} : { body: JSON.stringify(sent.body) }),
    });
    if (!response.ok) throw new Problem(response, await response.json().catch(() => ({})));
    return response;
  }

  async function read<T>(path: string, signal: AbortSignal, sent?: Sent): Promise<T> {
    return (await (await ask(path, signal, sent)).json()) as T;
  }

  const letter = (id: string) => `/admin/dead-letters/${encodeURIComponent(id)}`;

  return {
    sources: (signal: AbortSignal) => read<{ sources: SourceInfo[] }>("/admin/sources", signal),
    runs: (limit: number, source: string, signal: AbortSignal) => {
      const wanted = new URLSearchParams({ limit: String(limit), ...(source ? { source } : {}) });
      return read<{ runs: Run[] }>(`/admin/ingest?${wanted}`, signal);
    },
    ingest: (source: string, allowRemovals: boolean, key: string, signal: AbortSignal) =>
      read<RunAccepted>("/admin/ingest", signal, {
        method: "POST",
        body: { source, allow_removals: allowRemovals },
        key,
      }),
    cancel: (runId: string, signal: AbortSignal) =>
      read<Run>(`/admin/ingest/${encodeURIComponent(runId)}`, signal, { method: "DELETE" }),
    snapshots: (signal: AbortSignal) => read<SnapshotList>("/admin/snapshots", signal),
    activate: (id: string, signal: AbortSignal) =>
      read<Activation>(`/admin/snapshots/${encodeURIComponent(id)}/activate`, signal, {
        method: "POST",
      }),
    activation: (id: string, signal: AbortSignal) =>
      read<Activation>(`/admin/snapshots/activations/${encodeURIComponent(id)}`, signal),
    letters: (limit: number, cursor: string, signal: AbortSignal) => {
      const wanted = new URLSearchParams({ limit: String(limit), ...(cursor ? { cursor } : {}) });
      return read<DeadLetterPage>(`/admin/dead-letters?${wanted}`, signal);
    },
    letter: (id: string, signal: AbortSignal) => read<DeadLetterDetail>(letter(id), signal),
    replay: (ids: readonly string[] | "all", signal: AbortSignal) =>
      read<Replayed>("/admin/dead-letters/replay", signal, {
        method: "POST",
        body: ids === "all" ? { all: true } : { ids },
      }),
    discard: async (id: string, signal: AbortSignal): Promise<void> => {
      await ask(letter(id), signal, { method: "DELETE" });
    },
    /** Not of the admin API, and open to everybody. */
    metrics: async (signal: AbortSignal): Promise<string> => (await ask("/metrics", signal)).text(),
    snapshot: (signal: AbortSignal) => read<SnapshotInfo>("/snapshot", signal),
  };
}

/** A key for one click, however often its request has to be sent. */
export function newKey(): string {
  // randomUUID is missing where the page does not come over https.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

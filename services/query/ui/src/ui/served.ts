// The snapshot being served and its facets; loaded again when a response comes from another snapshot.

import { computed, shallowRef, type InjectionKey } from "vue";

import type { Client, Facets, SnapshotInfo } from "../api/client";
import { retry, type RetryOptions } from "../api/retry";

export type Served = ReturnType<typeof createServed>;

export const servedKey: InjectionKey<Served> = Symbol("served");

export function createServed(client: Client) {
  const snapshot = shallowRef<SnapshotInfo | null>(null);
  const facets = shallowRef<Facets | null>(null);

  /** Load both, retrying until a snapshot is served. */
  async function load(options: RetryOptions): Promise<void> {
    snapshot.value = await retry((signal) => client.snapshot(signal), options);
    facets.value = await retry((signal) => client.facets(signal), options);
  }

  return {
    snapshot: computed(() => snapshot.value),
    facets: computed(() => facets.value),
    load,
    /** Note that a response came from this snapshot; reloads in the background if it is another. */
    noteSnapshot(snapshotId: string): void {
      if (snapshot.value?.snapshot_id === snapshotId) return;
      const inBackground = { signal: AbortSignal.timeout(30_000), onWait: () => undefined };
      load(inBackground).catch(() => undefined);
    },
  };
}

// What is being served, and what there is to filter by; learnt again when an answer comes from
// another snapshot.

import { computed, shallowRef, type InjectionKey } from "vue";

import type { Client, Facets, SnapshotInfo } from "../api/client";
import { persist, type Persistence } from "../api/persist";

export type Served = ReturnType<typeof createServed>;

export const servedKey: InjectionKey<Served> = Symbol("served");

export function createServed(client: Client) {
  const snapshot = shallowRef<SnapshotInfo | null>(null);
  const facets = shallowRef<Facets | null>(null);

  /** Learn it, as soon as something is served. */
  async function learn(how: Persistence): Promise<void> {
    snapshot.value = await persist((signal) => client.snapshot(signal), how);
    facets.value = await persist((signal) => client.facets(signal), how);
  }

  return {
    snapshot: computed(() => snapshot.value),
    facets: computed(() => facets.value),
    learn,
    /** An answer came from this snapshot. Nobody waits for what follows. */
    seen(snapshotId: string): void {
      if (snapshot.value?.snapshot_id === snapshotId) return;
      const quietly = { signal: AbortSignal.timeout(30_000), say: () => undefined };
      learn(quietly).catch(() => undefined);
    },
  };
}

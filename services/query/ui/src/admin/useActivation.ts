// A wish for another snapshot, followed until that is served or refused.

import { computed, shallowRef } from "vue";

import { wait } from "../api/persist";
import type { Activation, Admin } from "./api";
import { passes } from "./faults";

const LOOK_MS = 500;

export function useActivation(admin: Admin) {
  const activation = shallowRef<Activation | null>(null);
  const stop = new AbortController();

  /** Ask for it; returns as soon as the wish is recorded, and follows it from then on. */
  async function ask(snapshotId: string, signal: AbortSignal): Promise<void> {
    activation.value = await admin.activate(snapshotId, signal);
  }

  /** Wait for the verdict; null if one has gone away meanwhile. */
  async function verdict(): Promise<Activation | null> {
    while (!stop.signal.aborted && activation.value?.state === "queued") {
      await wait(LOOK_MS, stop.signal).catch(() => undefined);
      if (stop.signal.aborted) break;
      try {
        activation.value = await admin.activation(activation.value.activation_id, stop.signal);
      } catch (error) {
        if (!stop.signal.aborted && !passes(error)) throw error;
      }
    }
    return stop.signal.aborted ? null : activation.value;
  }

  return {
    /** The snapshot that is waited for. */
    pending: computed(() =>
      activation.value?.state === "queued" ? activation.value.snapshot_id : null,
    ),
    ask,
    verdict,
    end: () => stop.abort(),
  };
}

/** What became of a wish, in words. */
export function telling(activation: Activation, served: string | null): string {
  if (activation.state === "refused") {
    return `${activation.snapshot_id} was refused: ${activation.reason ?? "no reason is known"}.`;
  }
  const { snapshot_id: id, replaced } = activation;
  if (activation.state === "queued") return `${id} is asked for; the embedder proves it.`;
  const undo = replaced && replaced !== id ? ` It has taken the place of ${replaced}.` : "";
  return served === id ? `${id} is served now.${undo}` : `${id} is current, and is being loaded.`;
}

// The request to activate a snapshot, followed until the embedder has activated or refused it.

import { computed, shallowRef } from "vue";

import { wait } from "../api/retry";
import type { Activation, Admin } from "./api";
import { isTransient } from "./errors";

const POLL_MS = 500;

export function useActivation(admin: Admin) {
  const activation = shallowRef<Activation | null>(null);
  const controller = new AbortController();
  const { signal } = controller;

  /** Request an activation; resolves when the request is recorded. */
  async function request(snapshotId: string, signal: AbortSignal): Promise<Activation> {
    activation.value = await admin.activate(snapshotId, signal);
    return activation.value;
  }

  /** Wait until the activation is done or refused; null if the view is closed before. */
  async function conclusion(): Promise<Activation | null> {
    while (!signal.aborted && activation.value?.state === "queued") {
      await wait(POLL_MS, signal).catch(() => undefined);
      if (signal.aborted) break;
      try {
        activation.value = await admin.activation(activation.value.activation_id, signal);
      } catch (error) {
        if (!signal.aborted && !isTransient(error)) throw error;
      }
    }
    return signal.aborted ? null : activation.value;
  }

  return {
    /** The id of the snapshot whose activation is pending. */
    pending: computed(() =>
      activation.value?.state === "queued" ? activation.value.snapshot_id : null,
    ),
    request,
    conclusion,
    dispose: () => controller.abort(),
  };
}

/** The state of an activation as a sentence; `served` is the id of the snapshot being served. */
export function activationMessage(activation: Activation, served: string | null): string {
  const { snapshot_id: id, replaced, state } = activation;
  if (state === "refused") return `${id} was refused: ${activation.reason ?? "unknown reason"}.`;
  if (state === "queued") return `Activation of ${id} requested. The embedder is verifying it.`;
  if (served !== id) return `${id} is current and is being loaded.`;
  return replaced && replaced !== id
    ? `${id} is served now, replacing ${replaced}.`
    : `${id} is served now.`;
}

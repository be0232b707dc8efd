// Title suggestions while the user types. Errors are not shown: the next letter tries again.

import { onScopeDispose, readonly, ref, shallowRef } from "vue";

import type { Client, Suggestion } from "../api/client";

export const PAUSE_MS = 150;
const MIN_CHARS = 2;
const MAX_WORDS = 6; // a longer text is a description, not a title
const MAX_SUGGESTIONS = 6;

export function useSuggestions(client: Client) {
  const options = shallowRef<readonly Suggestion[]>([]);
  const active = ref(-1);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let controller = new AbortController();

  function close(): void {
    clearTimeout(timer);
    controller.abort();
    options.value = [];
    active.value = -1;
  }

  /** Suggest titles for a text once typing pauses. */
  function suggest(text: string): void {
    clearTimeout(timer);
    const q = text.trim();
    if (q.length < MIN_CHARS || q.split(/\s+/).length > MAX_WORDS) close();
    else timer = setTimeout(() => void load(q), PAUSE_MS);
  }

  async function load(q: string): Promise<void> {
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    try {
      const { suggestions } = await client.suggest({ q, limit: MAX_SUGGESTIONS }, signal);
      if (signal.aborted) return;
      options.value = suggestions;
      active.value = -1;
    } catch {
      if (!signal.aborted) close();
    }
  }

  /** Move the active option up or down; -1, no option, comes between the last and the first. */
  function move(by: 1 | -1): void {
    const count = options.value.length + 1;
    active.value = ((active.value + 1 + by + count) % count) - 1;
  }

  onScopeDispose(close);
  return { options, active: readonly(active), suggest, move, close };
}

// Titles while one is being typed. That suggestions are missing is never worth a word: they are
// tried again with the next letter.

import { onScopeDispose, readonly, ref, shallowRef } from "vue";

import type { Client, Suggestion } from "../api/client";

export const PAUSE_MS = 150;
const SHORTEST = 2;
const MOST_WORDS = 6; // longer texts are descriptions
const SHOWN = 6;

export function useSuggestions(client: Client) {
  const options = shallowRef<readonly Suggestion[]>([]);
  const active = ref(-1);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stop = new AbortController();

  function close(): void {
    clearTimeout(timer);
    stop.abort();
    options.value = [];
    active.value = -1;
  }

  /** Look for titles, once typing pauses. */
  function look(typed: string): void {
    clearTimeout(timer);
    const q = typed.trim();
    if (q.length < SHORTEST || q.split(/\s+/).length > MOST_WORDS) close();
    else timer = setTimeout(() => void fetch(q), PAUSE_MS);
  }

  async function fetch(q: string): Promise<void> {
    stop.abort();
    stop = new AbortController();
    const { signal } = stop;
    try {
      const { suggestions } = await client.suggest({ q, limit: SHOWN }, signal);
      if (signal.aborted) return;
      options.value = suggestions;
      active.value = -1;
    } catch {
      if (!signal.aborted) close();
    }
  }

  /** Make another option the active one; between the last and the first is none. */
  function move(by: 1 | -1): void {
    const count = options.value.length + 1;
    active.value = ((active.value + 1 + by + count) % count) - 1;
  }

  onScopeDispose(close);
  return { options, active: readonly(active), look, move, close };
}

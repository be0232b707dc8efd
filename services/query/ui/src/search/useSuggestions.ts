// Suggestions while the user types: titles, people and genres. Errors are not shown: the next letter
// tries again.

import { onScopeDispose, readonly, ref, shallowRef } from "vue";

import type { Client, Suggestions } from "../api/client";
import { plural } from "../ui/numbers";

export const PAUSE_MS = 150;
const MIN_CHARS = 2;
const MAX_WORDS = 6; // a longer text is a description, not a title
const MAX_TITLES = 5;
const MAX_NAMES = 3;

export interface Option {
  kind: "movie" | "person" | "genre";
  /** The id of a movie, otherwise the name. */
  id: string;
  name: string;
  /** What it is, in words. */
  note: string;
}

export function useSuggestions(client: Client) {
  const options = shallowRef<readonly Option[]>([]);
  const active = ref(-1);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let controller = new AbortController();

  function close(): void {
    clearTimeout(timer);
    controller.abort();
    options.value = [];
    active.value = -1;
  }

  /** Make suggestions for a text once typing pauses. */
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
      const request = { q, limit: MAX_TITLES, names: MAX_NAMES };
      const found = await client.suggest(request, signal);
      if (signal.aborted) return;
      options.value = optionsOf(found);
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

function optionsOf({ suggestions, names }: Suggestions): Option[] {
  return [
    ...suggestions.map(({ movie_id: id, title, year }): Option => {
      return { kind: "movie", id, name: title, note: year === null ? "Movie" : `Movie, ${year}` };
    }),
    ...names.map(({ kind, name, movies }): Option => {
      const what = kind === "person" ? "Person" : "Genre";
      return { kind, id: name, name, note: `${what}, ${plural(movies, "movie")}` };
    }),
  ];
}

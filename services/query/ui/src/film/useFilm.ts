// One film: what is known of it, what its viewers say, and what is like it.

import { computed, readonly, ref, shallowRef } from "vue";

import {
  Problem,
  type Client,
  type MovieDetail,
  type Passage,
  type SimilarHit,
} from "../api/client";
import { complaint, persist } from "../api/persist";
import type { Memory } from "../search/memory";
import type { Notice } from "../search/useSearch";

const SIMILAR = 6;
const EVIDENCE = 3;
const LOOKED_THROUGH = 100; // hits of the search one came from, for this film's evidence

export type FilmPhase = "loading" | "done" | "missing" | "failed";

export function useFilm(client: Client, memory: Memory, onSnapshot: (id: string) => void) {
  const phase = ref<FilmPhase>("loading");
  const movie = shallowRef<MovieDetail | null>(null);
  const similar = shallowRef<readonly SimilarHit[]>([]);
  const evidence = shallowRef<readonly Passage[]>([]);
  const notice = shallowRef<Notice>({ kind: "", text: "" });
  let stop = new AbortController();

  /** Show a film; what it has to say to `query` first, if one came from that search. */
  async function show(id: string, query: string): Promise<void> {
    stop.abort();
    stop = new AbortController();
    const { signal } = stop;
    phase.value = "loading";
    movie.value = null;
    notice.value = { kind: "", text: "" };
    const how = {
      signal,
      say: (text: string) => {
        notice.value = { kind: "waiting", text };
      },
    };
    try {
      const [detail, alike, told] = await Promise.all([
        persist((signal) => client.movie(id, signal), how),
        persist((signal) => client.similar(id, { k: SIMILAR, evidence: 0 }, signal), how),
        query ? whatItSays(id, query, signal).catch(() => null) : [],
      ]);
      if (signal.aborted) return;
      memory.keep(alike.hits);
      memory.titles.set(detail.movie_id, detail.title);
      onSnapshot(alike.snapshot_id);
      [movie.value, similar.value, evidence.value] = [detail, alike.hits, told ?? []];
      notice.value = { kind: "", text: "" };
      phase.value = "done";
      if (told === null) await tellLater(id, query, signal);
    } catch (error) {
      if (signal.aborted) return;
      stop.abort(); // what else was asked for is of no use any more
      const missing = error instanceof Problem && error.status === 404;
      phase.value = missing ? "missing" : "failed";
      notice.value = missing ? { kind: "", text: "" } : { kind: "trouble", text: complaint(error) };
    }
  }

  /** The film's evidence for a query. */
  async function whatItSays(id: string, query: string, signal: AbortSignal): Promise<Passage[]> {
    const seen = memory.hit(query, id);
    if (seen) return seen.evidence;
    const wanted = { query, k: LOOKED_THROUGH, evidence: EVIDENCE };
    const answer = await client.search(wanted, signal);
    return answer.hits.find((hit) => hit.movie.movie_id === id)?.evidence ?? [];
  }

  /** It is an extra: the film is shown without it, and with it as soon as it can be had. */
  async function tellLater(id: string, query: string, signal: AbortSignal): Promise<void> {
    const how = { signal, say: () => undefined };
    const told = await persist((signal) => whatItSays(id, query, signal), how).catch(() => []);
    if (!signal.aborted) evidence.value = told;
  }

  return {
    phase: readonly(phase),
    movie: computed(() => movie.value),
    similar: computed(() => similar.value),
    evidence: computed(() => evidence.value),
    notice: computed(() => notice.value),
    show,
    end: () => stop.abort(),
  };
}

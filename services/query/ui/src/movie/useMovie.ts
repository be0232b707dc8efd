// The state of a movie's page: its details, its passages for the query, and similar movies.

import { computed, readonly, ref, shallowRef } from "vue";

import {
  Problem,
  type Client,
  type MovieDetail,
  type Passage,
  type SimilarHit,
} from "../api/client";
import { errorMessage, retry } from "../api/retry";
import type { Memory } from "../search/memory";
import type { Notice } from "../search/useSearch";

const SIMILAR_MOVIES = 6;
const EVIDENCE_PASSAGES = 3;
const MORE_REVIEWS = 100;
const SEARCHED_HITS = 100; // how many hits of the query are searched for this movie's evidence

export type MoviePhase = "loading" | "done" | "missing" | "failed";

export function useMovie(client: Client, memory: Memory, onSnapshot: (id: string) => void) {
  const phase = ref<MoviePhase>("loading");
  const movie = shallowRef<MovieDetail | null>(null);
  const similar = shallowRef<readonly SimilarHit[]>([]);
  const evidence = shallowRef<readonly Passage[]>([]);
  const notice = shallowRef<Notice>({ kind: "", text: "" });
  let controller = new AbortController();

  /** Show a movie, with its evidence for `query` if the user came from that search. */
  async function show(id: string, query: string): Promise<void> {
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    phase.value = "loading";
    movie.value = null;
    notice.value = { kind: "", text: "" };
    const options = {
      signal,
      onWait: (text: string) => {
        notice.value = { kind: "waiting", text };
      },
    };
    try {
      const [detail, similarTo, passages] = await Promise.all([
        retry((signal) => client.movie(id, signal), options),
        retry((signal) => client.similar(id, { k: SIMILAR_MOVIES, evidence: 0 }, signal), options),
        query ? evidenceFor(id, query, signal).catch(() => null) : [],
      ]);
      if (signal.aborted) return;
      memory.rememberTitles(similarTo.hits);
      memory.titles.set(detail.movie_id, detail.title);
      onSnapshot(similarTo.snapshot_id);
      [movie.value, similar.value, evidence.value] = [detail, similarTo.hits, passages ?? []];
      notice.value = { kind: "", text: "" };
      phase.value = "done";
      if (passages === null) await addEvidenceLater(id, query, signal);
    } catch (error) {
      if (signal.aborted) return;
      controller.abort(); // the other requests are no longer needed
      const missing = error instanceof Problem && error.status === 404;
      phase.value = missing ? "missing" : "failed";
      notice.value = missing
        ? { kind: "", text: "" }
        : { kind: "trouble", text: errorMessage(error) };
    }
  }

  /** Add the next reviews of a movie that has many. */
  async function moreReviews(): Promise<void> {
    const detail = movie.value;
    if (!detail?.next_reviews) return;
    const { signal } = controller;
    const cursor = detail.next_reviews;
    const options = { signal, onWait: () => undefined };
    try {
      const page = await retry(
        (signal) => client.reviews(detail.movie_id, { cursor, limit: MORE_REVIEWS }, signal),
        options,
      );
      if (movie.value !== detail) return;
      const reviews = [...detail.reviews, ...page.reviews];
      movie.value = { ...detail, reviews, next_reviews: page.next_cursor };
      notice.value = { kind: "", text: "" };
    } catch (error) {
      if (!signal.aborted) notice.value = { kind: "trouble", text: errorMessage(error) };
    }
  }

  /** The movie's evidence passages for a query. */
  async function evidenceFor(id: string, query: string, signal: AbortSignal): Promise<Passage[]> {
    const remembered = memory.hit(query, id);
    if (remembered) return remembered.evidence;
    const request = { query, k: SEARCHED_HITS, evidence: EVIDENCE_PASSAGES };
    const response = await client.search(request, signal);
    return response.hits.find((hit) => hit.movie.movie_id === id)?.evidence ?? [];
  }

  /** Evidence is optional: the movie is shown without it, and it is added once it is available. */
  async function addEvidenceLater(id: string, query: string, signal: AbortSignal): Promise<void> {
    const options = { signal, onWait: () => undefined };
    const request = (signal: AbortSignal) => evidenceFor(id, query, signal);
    const passages = await retry(request, options).catch(() => []);
    if (!signal.aborted) evidence.value = passages;
  }

  return {
    phase: readonly(phase),
    movie: computed(() => movie.value),
    similar: computed(() => similar.value),
    evidence: computed(() => evidence.value),
    notice: computed(() => notice.value),
    show,
    moreReviews,
    dispose: () => controller.abort(),
  };
}

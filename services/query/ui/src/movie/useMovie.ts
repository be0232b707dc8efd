// The state of a movie's page: its details, its passages for the query, and similar movies.

import { computed, readonly, ref, shallowRef } from "vue";

import {
  Problem,
  type Client,
  type MovieDetail,
  type Passage,
  type Review,
  type SimilarHit,
} from "../api/client";
import { errorMessage, retry } from "../api/retry";
import type { Memory } from "../search/memory";
import type { Notice } from "../search/useSearch";

const SIMILAR_MOVIES = 6;
const EVIDENCE_PASSAGES = 3;
const MORE_REVIEWS = 100;
const SEARCHED_HITS = 100; // how many hits of the query are searched for this movie's evidence

/** Reviews by their rating of 10. */
export const BANDS = {
  all: {},
  high: { min_rating: 7 },
  middle: { min_rating: 4, max_rating: 6.99 },
  low: { max_rating: 3.99 },
} as const;
export type Band = keyof typeof BANDS;

/** The reviews that are shown, and the cursor of those that follow them. */
export interface ShownReviews {
  band: Band;
  list: readonly Review[];
  cursor: string | null;
}

const NO_REVIEWS: ShownReviews = { band: "all", list: [], cursor: null };

export type MoviePhase = "loading" | "done" | "missing" | "failed";

export function useMovie(client: Client, memory: Memory, onSnapshot: (id: string) => void) {
  const phase = ref<MoviePhase>("loading");
  const movie = shallowRef<MovieDetail | null>(null);
  const similar = shallowRef<readonly SimilarHit[]>([]);
  const evidence = shallowRef<readonly Passage[]>([]);
  const reviews = shallowRef<ShownReviews>(NO_REVIEWS);
  const notice = shallowRef<Notice>({ kind: "", text: "" });
  let controller = new AbortController();

  /** Show a movie, with its evidence for `query` if the user came from that search. */
  async function show(id: string, query: string): Promise<void> {
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    phase.value = "loading";
    movie.value = null;
    reviews.value = NO_REVIEWS;
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
      reviews.value = firstReviews(detail);
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
    if (reviews.value.cursor !== null) await loadReviews(reviews.value);
  }

  /** Show the reviews with such ratings only. */
  async function showBand(band: Band): Promise<void> {
    if (movie.value === null || band === reviews.value.band) return;
    if (band === "all") reviews.value = firstReviews(movie.value);
    else await loadReviews({ band, list: [], cursor: null });
  }

  /** Load the reviews that follow some. */
  async function loadReviews(before: ShownReviews): Promise<void> {
    const detail = movie.value;
    if (detail === null) return;
    const { signal } = controller;
    const shown = reviews.value;
    const { band, list, cursor } = before;
    const query = { ...BANDS[band], ...(cursor !== null && { cursor }), limit: MORE_REVIEWS };
    const options = { signal, onWait: () => undefined };
    try {
      const page = await retry((signal) => client.reviews(detail.movie_id, query, signal), options);
      // Another movie, other ratings or the same page may have been shown in the meantime.
      if (movie.value !== detail || reviews.value !== shown) return;
      reviews.value = { band, list: [...list, ...page.reviews], cursor: page.next_cursor };
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
    reviews: computed(() => reviews.value),
    moreReviews,
    showBand,
    dispose: () => controller.abort(),
  };
}

function firstReviews(movie: MovieDetail): ShownReviews {
  return { band: "all", list: movie.reviews, cursor: movie.next_reviews };
}

// Which passages of a movie to show first, and the position of a passage in its review.

import type { Passage, Review, SimilarHit } from "../api/client";

const MAX_PASSAGES = 4;
const MAX_PER_REVIEW = 2;
const MAX_SUMMARY_CHARS = 90;

/**
 * The passages to show first: the evidence of the search that led here, then what the movie has in
 * common with the movies most similar to it, which is what it is about. No passage is repeated, and
 * no review contributes more than two.
 */
export function topPassages(
  evidence: readonly Passage[],
  similar: readonly SimilarHit[],
): Passage[] {
  const shared = similar.flatMap(({ reason }) => (reason ? [reason.this_movie] : []));
  const chosen: Passage[] = [];
  for (const passage of [...evidence, ...shared]) {
    const sameReview = chosen.filter((other) => other.review_id === passage.review_id);
    const repeated = sameReview.some((other) => overlap(other.text, passage.text));
    if (!repeated && sameReview.length < MAX_PER_REVIEW && chosen.length < MAX_PASSAGES) {
      chosen.push(passage);
    }
  }
  return chosen;
}

function overlap(one: string, other: string): boolean {
  return one.includes(other) || other.includes(one);
}

/** A review's text before, in and after a passage; the passage is empty if the text lacks it. */
export function splitAtPassage(text: string, passage: string): [string, string, string] {
  const at = passage ? text.indexOf(passage) : -1;
  if (at < 0) return [text, "", ""];
  return [text.slice(0, at), passage, text.slice(at + passage.length)];
}

/** The line shown for a collapsed review: its title, or else its first sentence; no spoiler. */
export function reviewSummary(review: Review): string {
  if (review.hidden) return "Contains spoilers";
  if (review.title) return review.title;
  const [sentence = ""] = review.text.trim().split(/(?<=[.!?…])\s|\n/, 1);
  if (sentence.length <= MAX_SUMMARY_CHARS) return sentence;
  return `${sentence.slice(0, MAX_SUMMARY_CHARS).replace(/\s\S*$/, "")}…`;
}

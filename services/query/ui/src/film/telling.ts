// Which of a film's passages to show first, and where a passage stands in its review.

import type { Passage, Review, SimilarHit } from "../api/client";

const MOST = 4;

/**
 * The most telling passages: those that the search one came from has found, then what the film has
 * in common with the films that are most like it, which is what it is about. None twice, and no more
 * than two of one review.
 */
export function tellingPassages(
  evidence: readonly Passage[],
  similar: readonly SimilarHit[],
): Passage[] {
  const shared = similar.flatMap(({ reason }) => (reason ? [reason.this_movie] : []));
  const chosen: Passage[] = [];
  for (const passage of [...evidence, ...shared]) {
    const ofReview = chosen.filter((one) => one.review_id === passage.review_id);
    const told = ofReview.some((one) => overlap(one.text, passage.text));
    if (!told && ofReview.length < 2 && chosen.length < MOST) chosen.push(passage);
  }
  return chosen;
}

function overlap(one: string, other: string): boolean {
  return one.includes(other) || other.includes(one);
}

/** A review's text before, in and after a passage of it; the passage is empty if it is not there. */
export function aroundPassage(text: string, passage: string): [string, string, string] {
  const at = passage ? text.indexOf(passage) : -1;
  if (at < 0) return [text, "", ""];
  return [text.slice(0, at), passage, text.slice(at + passage.length)];
}

/** What stands for a review while it is folded: its title, else how it begins. */
export function summaryOf(review: Review): string {
  if (review.title) return review.title;
  const [sentence = ""] = review.text.trim().split(/(?<=[.!?…])\s|\n/, 1);
  if (sentence.length <= 90) return sentence;
  return `${sentence.slice(0, 90).replace(/\s\S*$/, "")}…`;
}

// The parts of a score, and how they are explained.

import type { Parts } from "../api/client";

export interface PartDescription {
  name: keyof Parts;
  label: string;
  meaning: string;
  digits: number;
}

export const PARTS: readonly PartDescription[] = [
  {
    name: "passages",
    label: "Best passages",
    meaning: "How close the best passages are in meaning to your query; 1 is identical.",
    digits: 2,
  },
  {
    name: "semantic",
    label: "All reviews together",
    meaning: "How close the reviews as a whole are in meaning to your query; 1 is identical.",
    digits: 2,
  },
  {
    name: "lexical",
    label: "Exact words",
    meaning: "How often the reviews use your words; rare words count more.",
    digits: 1,
  },
  {
    name: "avoided",
    label: "Penalty for what you avoid",
    meaning: "Subtracted because some passages are close to what you avoid.",
    digits: 2,
  },
];

/** The highest value of each part. */
export type Best = Record<keyof Parts, number>;

export function bestOf(all: readonly (Parts | null | undefined)[]): Best {
  const highest = (name: keyof Parts) => Math.max(0, ...all.map((parts) => parts?.[name] ?? 0));
  return {
    semantic: highest("semantic"),
    passages: highest("passages"),
    lexical: highest("lexical"),
    avoided: highest("avoided"),
  };
}

// What a score is made of, in words.

import type { Parts } from "../api/client";

export interface PartWords {
  name: keyof Parts;
  label: string;
  meaning: string;
  digits: number;
}

export const PARTS: readonly PartWords[] = [
  {
    name: "passages",
    label: "The passages that fit best",
    meaning: "How near their meaning is to your words; 1 is the same.",
    digits: 2,
  },
  {
    name: "semantic",
    label: "All its reviews together",
    meaning: "How near the whole is to your words; 1 is the same.",
    digits: 2,
  },
  {
    name: "lexical",
    label: "Your very words",
    meaning: "How often the reviews use them, and how rare they are elsewhere.",
    digits: 1,
  },
  {
    name: "avoided",
    label: "Lost to what you avoid",
    meaning: "Taken off because some passages are near to that.",
    digits: 2,
  },
];

/** The most of each part. */
export type Best = Record<keyof Parts, number>;

export function bestOf(all: readonly (Parts | null | undefined)[]): Best {
  const most = (name: keyof Parts) => Math.max(0, ...all.map((parts) => parts?.[name] ?? 0));
  return {
    semantic: most("semantic"),
    passages: most("passages"),
    lexical: most("lexical"),
    avoided: most("avoided"),
  };
}

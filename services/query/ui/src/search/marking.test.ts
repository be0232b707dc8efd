import { describe, expect, it } from "vitest";

import { mark } from "./marking";

const shown = (passage: string, spans: number[][]) =>
  mark(passage, spans).map(({ text, marked }) => (marked ? `[${text}]` : text));

describe("marking", () => {
  it.each([
    [
      "Sweat and stairs.",
      [
        [0, 5],
        [10, 16],
      ],
      ["[Sweat]", " and ", "[stairs]", "."],
    ],
    [
      "🥊 Sweat 🎬 stairs",
      [
        [2, 7],
        [10, 16],
      ],
      ["🥊 ", "[Sweat]", " 🎬 ", "[stairs]"],
    ],
    ["Sweat", [[0, 5]], ["[Sweat]"]],
    ["Sweat", [], ["Sweat"]],
    ["", [], []],
  ])("%s", (passage, spans, parts) => {
    expect(shown(passage, spans)).toEqual(parts);
    expect(
      mark(passage, spans)
        .map(({ text }) => text)
        .join(""),
    ).toBe(passage);
  });
});

// Splits a passage into its marked and unmarked words, so that no HTML is needed to mark them. Pure.

export interface Part {
  text: string;
  marked: boolean;
}

/**
 * Split a passage into parts; joined, they are the passage.
 *
 * @param spans What to mark, as `[start, end)` in Unicode characters, in order.
 */
export function mark(passage: string, spans: readonly (readonly number[])[]): Part[] {
  const characters = Array.from(passage);
  const between = (start: number, end: number) => characters.slice(start, end).join("");
  const parts: Part[] = [];
  let at = 0;
  for (const [start = 0, end = 0] of spans) {
    parts.push({ text: between(at, start), marked: false });
    parts.push({ text: between(start, end), marked: true });
    at = end;
  }
  parts.push({ text: between(at, characters.length), marked: false });
  return parts.filter(({ text }) => text !== "");
}

// Places labels, the most important first, without overlaps. Pure; units are pixels.

import type { Size } from "./view";

export interface Label {
  text: string;
  /** The preferred position of the text's centre. */
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Placed extends Label {
  /** Its index in the list of labels. */
  index: number;
}

const GAP = 3;

/**
 * Place labels in order. A label that would overlap another or leave the screen is moved up or down
 * by up to `slack` times its height, or else omitted.
 */
export function placeLabels(labels: readonly Label[], size: Size, slack = 0): Placed[] {
  const placed: Placed[] = [];
  labels.forEach((label, index) => {
    const half = label.width / 2;
    if (label.width > size.width) return;
    // A label at the edge is moved inside, one beyond the edge is omitted.
    if (label.x < 0 || label.x > size.width || label.y < 0 || label.y > size.height) return;
    const x = Math.min(Math.max(label.x, half + GAP), size.width - half - GAP);
    for (const step of steps(slack)) {
      const y = label.y + step * label.height;
      const inside = y >= label.height / 2 && y <= size.height - label.height / 2;
      const spot = { ...label, index, x, y };
      if (inside && !placed.some((other) => overlaps(spot, other))) {
        placed.push(spot);
        return;
      }
    }
  });
  return placed;
}

/** 0, -1, 1, -2, 2 … */
function steps(most: number): number[] {
  const list = [0];
  for (let n = 1; n <= most; n += 1) list.push(-n, n);
  return list;
}

function overlaps(one: Label, other: Label): boolean {
  return (
    Math.abs(one.x - other.x) < (one.width + other.width) / 2 + GAP &&
    Math.abs(one.y - other.y) < (one.height + other.height) / 2 + GAP
  );
}

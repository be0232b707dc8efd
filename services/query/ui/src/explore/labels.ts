// Which names are written where: the most important first, none over another. Pure; in pixels.

import type { Size } from "./view";

export interface Label {
  text: string;
  /** Where the text's middle would best be. */
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Placed extends Label {
  /** Its place among the labels that there were. */
  index: number;
}

const GAP = 3;

/**
 * Place labels, the first ones first; what would cover another, or leave the screen, is moved up or
 * down by up to `slack` of its heights, or left out.
 */
export function placeLabels(labels: readonly Label[], size: Size, slack = 0): Placed[] {
  const placed: Placed[] = [];
  labels.forEach((label, index) => {
    const half = label.width / 2;
    if (label.width > size.width) return;
    // A name at the edge is moved inside, one beyond it is not there.
    if (label.x < 0 || label.x > size.width || label.y < 0 || label.y > size.height) return;
    const x = Math.min(Math.max(label.x, half + GAP), size.width - half - GAP);
    for (const step of steps(slack)) {
      const y = label.y + step * label.height;
      const inside = y >= label.height / 2 && y <= size.height - label.height / 2;
      const spot = { ...label, index, x, y };
      if (inside && !placed.some((other) => covers(spot, other))) {
        placed.push(spot);
        return;
      }
    }
  });
  return placed;
}

/** 0, -1, 1, -2, 2 … */
function steps(most: number): number[] {
  const found = [0];
  for (let n = 1; n <= most; n += 1) found.push(-n, n);
  return found;
}

function covers(one: Label, other: Label): boolean {
  return (
    Math.abs(one.x - other.x) < (one.width + other.width) / 2 + GAP &&
    Math.abs(one.y - other.y) < (one.height + other.height) / 2 + GAP
  );
}

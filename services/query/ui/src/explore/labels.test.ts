import { describe, expect, it } from "vitest";

import { placeLabels, type Label } from "./labels";

const SIZE = { width: 400, height: 300 };
const label = (x: number, y: number, text = "a name"): Label => ({
  text,
  x,
  y,
  width: 80,
  height: 16,
});

describe("placing labels", () => {
  it("omits a label that would overlap a more important one", () => {
    const placed = placeLabels([label(200, 150), label(230, 152), label(200, 200)], SIZE);
    expect(placed.map(({ index }) => index)).toEqual([0, 2]);
  });

  it("moves a label slightly if that avoids an overlap", () => {
    const placed = placeLabels([label(200, 150), label(230, 160)], SIZE, 1);
    expect(placed.map(({ index }) => index)).toEqual([0, 1]);
    expect(placed[1]?.y).toBe(176);
  });

  it("moves a label at the edge inside, and omits one beyond the edge", () => {
    const placed = placeLabels([label(5, 150), label(-5, 100), label(200, 2)], SIZE);
    expect(placed).toHaveLength(1);
    expect(placed[0]?.x).toBe(43);
  });

  it("omits a label wider than the screen", () => {
    expect(placeLabels([{ ...label(200, 150), width: 500 }], SIZE)).toEqual([]);
  });
});

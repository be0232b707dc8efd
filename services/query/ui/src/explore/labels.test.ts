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
  it("leaves out what would cover a more important one", () => {
    const placed = placeLabels([label(200, 150), label(230, 152), label(200, 200)], SIZE);
    expect(placed.map(({ index }) => index)).toEqual([0, 2]);
  });

  it("moves a label a little if that makes room for it", () => {
    const placed = placeLabels([label(200, 150), label(230, 160)], SIZE, 1);
    expect(placed.map(({ index }) => index)).toEqual([0, 1]);
    expect(placed[1]?.y).toBe(176);
  });

  it("moves a label at the edge inside, and leaves out what lies beyond it", () => {
    const placed = placeLabels([label(5, 150), label(-5, 100), label(200, 2)], SIZE);
    expect(placed).toHaveLength(1);
    expect(placed[0]?.x).toBe(43);
  });

  it("leaves out what is wider than the screen", () => {
    expect(placeLabels([{ ...label(200, 150), width: 500 }], SIZE)).toEqual([]);
  });
});

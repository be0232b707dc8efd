import { describe, expect, it } from "vitest";

import {
  between,
  boxOf,
  fit,
  panned,
  toMap,
  toScreen,
  visibleBox,
  zoomed,
  type View,
} from "./view";

const SIZE = { width: 800, height: 600 };
const WHOLE: View = { x: 0, y: 0, scale: 250 };

describe("the view", () => {
  it("maps positions to the screen with y reversed", () => {
    expect(toScreen(WHOLE, SIZE, { x: 0, y: 0 })).toEqual({ x: 400, y: 300 });
    expect(toScreen(WHOLE, SIZE, { x: 1, y: 1 })).toEqual({ x: 650, y: 50 });
  });

  it("maps screen positions back to the map", () => {
    const view = { x: 0.3, y: -0.2, scale: 700 };
    const place = toMap(view, SIZE, toScreen(view, SIZE, { x: 0.41, y: 0.07 }));
    expect(place.x).toBeCloseTo(0.41);
    expect(place.y).toBeCloseTo(0.07);
  });

  it("fits a box into the screen with a margin", () => {
    const box = boxOf([
      { x: -1, y: 0 },
      { x: 1, y: 0.2 },
    ]);
    const view = fit(box ?? { left: 0, right: 0, bottom: 0, top: 0 }, SIZE);
    expect(view).toMatchObject({ x: 0, y: 0.1 });
    expect(toScreen(view, SIZE, { x: -1, y: 0 }).x).toBeCloseTo(36);
    expect(fit({ left: 0, right: 0, bottom: 0, top: 0 }, SIZE, 999).scale).toBe(999);
    expect(boxOf([])).toBeNull();
  });

  it("keeps the position under the pointer in place when zooming", () => {
    const at = { x: 500, y: 220 };
    const before = toMap(WHOLE, SIZE, at);
    const view = zoomed(WHOLE, SIZE, at, 3, WHOLE);
    expect(view.scale).toBe(750);
    expect(toMap(view, SIZE, at).x).toBeCloseTo(before.x);
    expect(toMap(view, SIZE, at).y).toBeCloseTo(before.y);
  });

  it("limits the zoom in both directions", () => {
    const middle = { x: 400, y: 300 };
    expect(zoomed(WHOLE, SIZE, middle, 1e9, WHOLE).scale).toBe(250 * 60);
    expect(zoomed(WHOLE, SIZE, middle, 1e-9, WHOLE).scale).toBe(200);
  });

  it("follows the finger, up to a margin around the map", () => {
    const view = panned(WHOLE, 25, 50, WHOLE);
    expect(toScreen(view, SIZE, { x: 0, y: 0 })).toEqual({ x: 425, y: 350 });
    expect(panned(WHOLE, 1e6, 0, WHOLE).x).toBe(-1.1);
  });

  it("interpolates from one view to another", () => {
    const to = { x: 0.5, y: 0.5, scale: 1000 };
    for (const [part, expected] of [
      [0, WHOLE],
      [1, to],
    ] as const) {
      const view = between(WHOLE, to, part);
      expect(view.x).toBeCloseTo(expected.x);
      expect(view.scale).toBeCloseTo(expected.scale);
    }
    const half = between(WHOLE, { ...WHOLE, x: 1 }, 0.5);
    expect(half).toEqual({ x: 0.5, y: 0, scale: 250 });
  });

  it("computes the visible part of the map", () => {
    expect(visibleBox(WHOLE, SIZE, 25)).toEqual({ left: -1.7, right: 1.7, bottom: -1.3, top: 1.3 });
  });
});

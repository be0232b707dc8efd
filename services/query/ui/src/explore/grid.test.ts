import { describe, expect, it } from "vitest";

import { Grid } from "./grid";

/** Pseudo-random points, the same in every run. */
function points(count: number) {
  let state = 7;
  const roll = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (2 * state) / 2 ** 32 - 1;
  };
  return { xs: Array.from({ length: count }, roll), ys: Array.from({ length: count }, roll) };
}

describe("the grid", () => {
  it("agrees with a linear scan", () => {
    const { xs, ys } = points(1000);
    const grid = new Grid(xs, ys);
    const { xs: tryX, ys: tryY } = points(200);
    tryX.forEach((x, n) => {
      const y = tryY[n] ?? 0;
      const distances = xs.map((pointX, row) => Math.hypot(pointX - x, (ys[row] ?? 0) - y));
      const least = Math.min(...distances);
      const nearest = least < 0.05 ? distances.indexOf(least) : null;
      expect(grid.nearest({ x, y }, 0.05)).toBe(nearest);
    });
  });

  it("visits each point of a box once", () => {
    const { xs, ys } = points(500);
    const visited: number[] = [];
    const box = { left: -0.3, right: 0.6, bottom: -2, top: 0.1 };
    new Grid(xs, ys).within(box, (row) => visited.push(row));
    const expected = xs.flatMap((x, row) =>
      x >= box.left && x <= box.right && (ys[row] ?? 0) <= box.top ? [row] : [],
    );
    expect(visited.sort((a, b) => a - b)).toEqual(expected);
  });

  it("contains the points on the edge of the map", () => {
    const grid = new Grid([-1, 1, 1], [-1, 1, -1]);
    expect(grid.nearest({ x: 1, y: 1 }, 0.01)).toBe(1);
    expect(grid.nearest({ x: -1.005, y: -1 }, 0.01)).toBe(0);
  });

  it("returns null where there is no point", () => {
    expect(new Grid([], []).nearest({ x: 0, y: 0 }, 5)).toBeNull();
    expect(new Grid([0.5], [0.5]).nearest({ x: 0, y: 0 }, 0.2)).toBeNull();
  });

  it("prefers the first of two points at the same position", () => {
    expect(new Grid([0.1, 0.1], [0, 0]).nearest({ x: 0, y: 0 }, 1)).toBe(0);
  });
});

// A spatial index of points: a square grid over the map, with about two points per cell. Pure.

import type { Box, Point } from "./view";

const POINTS_PER_CELL = 2;

export class Grid {
  private readonly side: number;
  /** Row numbers ordered by cell; those of cell n are at `starts[n]` to `starts[n + 1]`. */
  private readonly rows: Uint32Array;
  private readonly starts: Uint32Array;

  constructor(
    private readonly xs: ArrayLike<number>,
    private readonly ys: ArrayLike<number>,
  ) {
    const count = xs.length;
    this.side = Math.max(1, Math.ceil(Math.sqrt(count / POINTS_PER_CELL)));
    this.starts = new Uint32Array(this.side * this.side + 1);
    this.rows = new Uint32Array(count);
    const cells = Array.from({ length: count }, (_, row) => this.cell(this.x(row), this.y(row)));
    for (const cell of cells) this.starts[cell + 1] = (this.starts[cell + 1] ?? 0) + 1;
    for (let n = 0; n < this.side * this.side; n += 1) {
      this.starts[n + 1] = (this.starts[n + 1] ?? 0) + (this.starts[n] ?? 0);
    }
    const next = this.starts.slice();
    cells.forEach((cell, row) => {
      const place = next[cell] ?? 0;
      this.rows[place] = row;
      next[cell] = place + 1;
    });
  }

  /** Call `visit` with each point in a box. */
  within(box: Box, visit: (row: number) => void): void {
    const [left, right] = [this.line(box.left), this.line(box.right)];
    for (let line = this.line(box.bottom); line <= this.line(box.top); line += 1) {
      const start = this.starts[line * this.side + left] ?? 0;
      const end = this.starts[line * this.side + right + 1] ?? 0;
      for (let place = start; place < end; place += 1) {
        const row = this.rows[place] ?? 0;
        const [x, y] = [this.x(row), this.y(row)];
        if (x >= box.left && x <= box.right && y >= box.bottom && y <= box.top) visit(row);
      }
    }
  }

  /** The point nearest to a position and within `reach`; null if there is none. */
  nearest({ x, y }: Point, reach: number): number | null {
    let nearest: number | null = null;
    let least = reach * reach;
    this.within({ left: x - reach, right: x + reach, bottom: y - reach, top: y + reach }, (row) => {
      const distance2 = (this.x(row) - x) ** 2 + (this.y(row) - y) ** 2;
      const closer = distance2 < least || (distance2 === least && row < (nearest ?? Infinity));
      if (closer) [nearest, least] = [row, distance2];
    });
    return nearest;
  }

  private x(row: number): number {
    return this.xs[row] ?? 0;
  }

  private y(row: number): number {
    return this.ys[row] ?? 0;
  }

  private line(value: number): number {
    return Math.min(Math.max(Math.floor(((value + 1) / 2) * this.side), 0), this.side - 1);
  }

  private cell(x: number, y: number): number {
    return this.line(y) * this.side + this.line(x);
  }
}

import { describe, expect, it } from "vitest";

import { parseColour, Raster, type DotLook } from "./raster";

const RED: DotLook = {
  radius: 2,
  fill: [255, 0, 0],
  rim: [255, 0, 0],
  rimWidth: 0,
  opacity: 1,
};

function at(raster: Raster, x: number, y: number): number[] {
  const place = 4 * (y * raster.width + x);
  return [...raster.pixels.slice(place, place + 4)];
}

function white(width: number, height: number): Raster {
  const raster = new Raster(width, height);
  raster.clear([255, 255, 255]);
  return raster;
}

describe("dots in memory", () => {
  it("change only the pixels that they cover", () => {
    const raster = white(11, 9);
    raster.put(RED, 5, 4);
    expect(at(raster, 5, 4)).toEqual([255, 0, 0, 255]);
    expect(at(raster, 5, 2)).toEqual([255, 127, 127, 255]);
    expect(at(raster, 5, 1)).toEqual([255, 255, 255, 255]);
    expect(at(raster, 0, 0)).toEqual([255, 255, 255, 255]);
  });

  it("are antialiased at fractional positions", () => {
    const raster = white(11, 9);
    raster.put(RED, 5.25, 4);
    const [, left] = at(raster, 3, 4) as [number, number];
    const [, right] = at(raster, 7, 4) as [number, number];
    expect(left).toBeGreaterThan(right);
  });

  it("are blended by their opacity", () => {
    const raster = white(9, 9);
    raster.put({ ...RED, opacity: 0.4 }, 4, 4);
    expect(at(raster, 4, 4)).toEqual([255, 153, 153, 255]);
  });

  it("have a rim", () => {
    const raster = white(21, 21);
    raster.put({ ...RED, radius: 6, rim: [0, 0, 255], rimWidth: 2 }, 10, 10);
    expect(at(raster, 10, 10)).toEqual([255, 0, 0, 255]);
    expect(at(raster, 15, 10)).toEqual([0, 0, 255, 255]);
  });

  it("are clipped at the edges", () => {
    const raster = white(6, 5);
    for (const [x, y] of [
      [0, 0],
      [5, 4],
      [-50, 2],
      [3, 900],
    ] as const) {
      raster.put(RED, x, y);
    }
    expect(at(raster, 0, 0)).toEqual([255, 0, 0, 255]);
    expect(at(raster, 5, 4)).toEqual([255, 0, 0, 255]);
    expect(at(raster, 3, 2)).toEqual([255, 255, 255, 255]);
  });

  it("take colours as a style sheet writes them", () => {
    expect(parseColour(" #fff ")).toEqual([255, 255, 255]);
    expect(parseColour("#3A6db5")).toEqual([58, 109, 181]);
    expect(parseColour("papaya")).toEqual([128, 128, 128]);
  });
});

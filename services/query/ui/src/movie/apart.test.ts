import { describe, expect, it } from "vitest";

import { colourOf } from "../explore/colours";
import { movie } from "../testing";
import { variantsOf } from "./apart";
import { draw, motifOf } from "./drawing";
import { paletteOf } from "./palette";

/** A generator of whole numbers below a limit, the same in each run. */
function numbers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % limit;
  };
}

describe("posters of a list", () => {
  it("are never alike, whatever the movies and their clusters", () => {
    for (let seed = 1; seed <= 300; seed += 1) {
      const next = numbers(seed);
      const clusters = 1 + next(6);
      const list = Array.from({ length: 1 + next(30) }, () =>
        movie(`tt${next(10_000_000)}`, { cluster: next(4) ? next(clusters) : null }),
      );
      const variants = variantsOf(list);
      const drawn = [...new Map(list.map((one) => [one.movie_id, one])).values()].map((one) => {
        const picture = draw(one.movie_id, variants.get(one.movie_id));
        return `${paletteOf(one, one.cluster).ground} ${picture.motif} ${picture.isMirrored} ${picture.isSwapped}`;
      });
      expect(new Set(drawn).size).toBe(drawn.length);
    }
  });

  it("stay as they are when the list grows", () => {
    const list = Array.from({ length: 18 }, (_, n) => movie(`tt${n}`, { cluster: n % 2 }));
    const before = variantsOf(list.slice(0, 10));
    const after = variantsOf(list);
    for (const [id, variant] of before) expect(after.get(id)).toBe(variant);
  });

  it("have the motif of their movie where nothing is in the way", () => {
    expect(variantsOf([movie("tt1")]).get("tt1")).toBe(motifOf("tt1"));
  });

  it("have the colour of their cluster on the map", () => {
    for (let cluster = 0; cluster < 15; cluster += 1) {
      expect(paletteOf(movie("tt1"), cluster).ground).toBe(colourOf(cluster, false));
    }
  });
});

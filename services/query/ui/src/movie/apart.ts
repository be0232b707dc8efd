// Posters of one list that cannot be confused: no two have the same colours and the same motif.
// Each movie has a motif by its id; where another movie of the list has that already, it takes the
// next one that none has, and from the eleventh movie on one that none of its colours has. What is
// added at the end of a list changes nothing before it.

import { inject, type InjectionKey, provide } from "vue";

import type { Movie } from "../api/client";
import { MOTIF_COUNT, motifOf, VARIANT_COUNT } from "./drawing";
import { paletteOf } from "./palette";

type Drawn = Pick<Movie, "movie_id" | "genres" | "cluster">;

/** The variant of each movie's drawing, by its id; all unlike for up to 30 movies of one colour. */
export function variantsOf(movies: readonly Drawn[]): ReadonlyMap<string, number> {
  const taken = new Set<string>();
  const motifs = new Set<number>();
  const variants = new Map<string, number>();
  for (const movie of movies) {
    if (variants.has(movie.movie_id)) continue;
    const ground = paletteOf(movie, movie.cluster).ground;
    const first = motifOf(movie.movie_id);
    const order = Array.from({ length: VARIANT_COUNT }, (_, n) => (first + n) % VARIANT_COUNT);
    const variant =
      order.find((one) => !motifs.has(one % MOTIF_COUNT)) ??
      order.find((one) => !taken.has(`${ground} ${one}`)) ??
      first;
    motifs.add(variant % MOTIF_COUNT);
    taken.add(`${ground} ${variant}`);
    variants.set(movie.movie_id, variant);
  }
  return variants;
}

const key: InjectionKey<() => ReadonlyMap<string, number>> = Symbol("posters of a list");

/** Draw the posters below this component unlike each other. */
export function drawApart(movies: () => readonly Drawn[]): void {
  let of: readonly Drawn[] = [];
  let variants: ReadonlyMap<string, number> = new Map();
  provide(key, () => {
    const now = movies();
    if (now !== of) {
      of = now;
      variants = variantsOf(now);
    }
    return variants;
  });
}

/** The variants of the list that a poster is in; null outside of lists. */
export function listVariants(): (() => ReadonlyMap<string, number>) | null {
  return inject(key, null);
}

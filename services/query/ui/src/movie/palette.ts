// The colours of a generated poster, the same in both themes. The title is readable on its
// background: a test checks every palette against WCAG AA.

import type { Movie } from "../api/client";

export interface Palette {
  /** The background of the title. */
  ground: string;
  /** The title. */
  ink: string;
  near: string;
  far: string;
}

export const PALETTES = {
  ember: { ground: "#a63a24", ink: "#fff3e4", near: "#f0a35e", far: "#6d1f1a" },
  honey: { ground: "#f2bf4b", ink: "#3a1d08", near: "#d8572a", far: "#fbe6b0" },
  moss: { ground: "#2f4a36", ink: "#f3f0dc", near: "#a9bd72", far: "#1d3024" },
  teal: { ground: "#0f4c5c", ink: "#f4f1e8", near: "#ee8b4a", far: "#0a3440" },
  night: { ground: "#1b1f3b", ink: "#f1efff", near: "#f2c57c", far: "#4b4f8c" },
  noir: { ground: "#1f1d1c", ink: "#f4efe6", near: "#d8443a", far: "#57504a" },
  rose: { ground: "#e8b4b8", ink: "#3d0f1c", near: "#a4303f", far: "#f9e3e1" },
  sky: { ground: "#a9d0e0", ink: "#0f2a3d", near: "#2f6690", far: "#f6f1d1" },
  sand: { ground: "#e5d3b3", ink: "#33231a", near: "#b5651d", far: "#8a5a44" },
  plum: { ground: "#4a2545", ink: "#fbeaf2", near: "#d295a6", far: "#2d1630" },
  steel: { ground: "#3e4a55", ink: "#ffffff", near: "#c9d6df", far: "#262e36" },
  mint: { ground: "#cfe3d2", ink: "#12332b", near: "#3a7d6b", far: "#94c2a8" },
  brick: { ground: "#e07a56", ink: "#2a0d05", near: "#7d2418", far: "#f6c9a8" },
  cobalt: { ground: "#1f3fa0", ink: "#f7f5ef", near: "#f6bd3b", far: "#152b70" },
} satisfies Record<string, Palette>;

type Name = keyof typeof PALETTES;

const BY_GENRE: Record<string, readonly Name[]> = {
  action: ["ember", "cobalt", "noir"],
  adventure: ["teal", "ember", "sky"],
  animation: ["sky", "honey", "mint"],
  biography: ["sand", "steel", "mint"],
  comedy: ["honey", "brick", "sky", "mint"],
  crime: ["noir", "steel", "ember"],
  documentary: ["steel", "sand", "teal"],
  drama: ["moss", "sand", "plum", "steel", "ember"],
  family: ["mint", "sky", "honey"],
  fantasy: ["plum", "moss", "night"],
  "film-noir": ["noir", "steel"],
  history: ["sand", "moss", "brick"],
  horror: ["noir", "plum"],
  music: ["cobalt", "plum", "rose"],
  musical: ["rose", "honey", "cobalt"],
  mystery: ["night", "teal", "noir"],
  romance: ["rose", "plum", "brick"],
  "sci-fi": ["night", "cobalt", "teal"],
  "science fiction": ["night", "cobalt", "teal"],
  sport: ["cobalt", "ember", "moss"],
  thriller: ["teal", "noir", "night"],
  war: ["moss", "steel", "noir"],
  western: ["brick", "sand", "ember"],
};
const ALL = Object.keys(PALETTES) as Name[];

/** A stable hash of a text: FNV-1a, 32 bits. */
export function numberOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const unit of new TextEncoder().encode(text)) hash = Math.imul(hash ^ unit, 0x01000193);
  return hash >>> 0;
}

/**
 * A movie's colours: those of its cluster, so that neighbours on the map look alike; without a
 * cluster, one of the palettes of its first known genre; without a genre, any palette.
 */
export function paletteOf(
  movie: Pick<Movie, "movie_id" | "genres">,
  cluster?: number | null,
): Palette {
  if (cluster != null) return PALETTES[pick(ALL, cluster)];
  const known = movie.genres.map((genre) => BY_GENRE[genre.toLowerCase()]).find(Boolean);
  return PALETTES[pick(known ?? ALL, numberOf(movie.movie_id))];
}

function pick<T>(from: readonly T[], n: number): T {
  return from[n % from.length] as T;
}

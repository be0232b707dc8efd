// The colours of a generated poster, the same in both themes. The title is readable on its
// background: a test checks every palette against WCAG AA.

import type { Movie } from "../api/client";
import { CLUSTER_COLOURS, colourOf } from "../explore/colours";

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

/** The colours of a cluster: that which it has on the map, a lighter and a darker one. */
function clusterPalette(cluster: number): Palette {
  const ground = colourOf(cluster, false);
  const ink = contrast(ground, LIGHT_INK) >= contrast(ground, DARK_INK) ? LIGHT_INK : DARK_INK;
  return { ground, ink, near: mixed(ground, "#ffeecb", 0.62), far: mixed(ground, "#100c14", 0.5) };
}

const LIGHT_INK = "#ffffff";
const DARK_INK = "#000000";

const channels = (colour: string) =>
  [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));

function mixed(one: string, other: string, share: number): string {
  const [from, to] = [channels(one), channels(other)];
  const sum = from.map((value, n) => Math.round(value + ((to[n] ?? 0) - value) * share));
  return `#${sum.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** The contrast of two colours by WCAG 2, from 1 to 21. */
function contrast(one: string, other: string): number {
  const luminance = (colour: string) => {
    const [red = 0, green = 0, blue = 0] = channels(colour).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

export const CLUSTER_PALETTES = Array.from({ length: CLUSTER_COLOURS }, (_, n) =>
  clusterPalette(n),
);

/**
 * A movie's colours: those of its cluster, so that neighbours on the map look alike; without a
 * cluster, one of the palettes of its first known genre; without a genre, any palette.
 */
export function paletteOf(
  movie: Pick<Movie, "movie_id" | "genres">,
  cluster?: number | null,
): Palette {
  if (cluster != null) return pick(CLUSTER_PALETTES, cluster);
  const known = movie.genres.map((genre) => BY_GENRE[genre.toLowerCase()]).find(Boolean);
  return PALETTES[pick(known ?? ALL, numberOf(movie.movie_id))];
}

function pick<T>(from: readonly T[], n: number): T {
  return from[n % from.length] as T;
}

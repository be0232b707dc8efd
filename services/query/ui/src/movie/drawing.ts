// The drawing on a poster: a few flat shapes in its upper part, chosen by the movie's id, and the
// title below, broken into lines in the largest size that fits. Pure; units are those of the view box.

import { numberOf, type Palette } from "./palette";

export const WIDTH = 200;
export const HEIGHT = 300;
export const PICTURE_HEIGHT = 184;

type Colour = Exclude<keyof Palette, "ink">;

export interface Shape {
  d: string;
  fill: Colour;
}

export interface Drawing {
  back: Colour;
  shapes: Shape[];
}

/** A drawing with the number of its motif, and how it differs from the plain one. */
export interface PosterDrawing extends Drawing {
  motif: number;
  /** Drawn from right to left. */
  isMirrored: boolean;
  /** The two colours of its shapes have changed places. */
  isSwapped: boolean;
}

const disc = (x: number, y: number, r: number) =>
  `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
const box = (x: number, y: number, width: number, height: number) =>
  `M${x} ${y}h${width}v${height}h${-width}z`;

/** A random number generator from 0 to 1 (xorshift32), deterministic for a seed. */
function dice(seed: number): () => number {
  let state = seed || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

type Motif = (roll: () => number) => Drawing;

const sun: Motif = (roll) => {
  const x = 60 + 80 * roll();
  const bars = [0, 1, 2, 3].map((n) => box(0, 112 + 18 * n, WIDTH, 3 + 3 * n)).join("");
  return {
    back: "far",
    shapes: [
      { d: disc(x, 112, 62), fill: "near" },
      { d: bars, fill: "far" },
      { d: box(0, 178, WIDTH, 6), fill: "ground" },
    ],
  };
};

const hills: Motif = (roll) => {
  const wave = (y: number, swing: number) =>
    `M0 ${y}C50 ${y - swing} 70 ${y + swing} 110 ${y}S170 ${y - swing} 200 ${y - swing / 3}V190H0z`;
  return {
    back: "far",
    shapes: [
      { d: disc(40 + 120 * roll(), 52, 20), fill: "near" },
      { d: wave(108, 20 + 24 * roll()), fill: "near" },
      { d: wave(142, -16 - 20 * roll()), fill: "ground" },
    ],
  };
};

const arches: Motif = (roll) => {
  const x = roll() < 0.5 ? 0 : WIDTH;
  const step = 24 + 14 * roll();
  return {
    back: "ground",
    shapes: [5, 4, 3, 2, 1].map((ring, n) => ({
      d: disc(x, PICTURE_HEIGHT, step * ring + 8),
      fill: n % 2 ? "far" : "near",
    })),
  };
};

const moon: Motif = (roll) => {
  const [x, y] = [70 + 60 * roll(), 78 + 24 * roll()];
  const stars = Array.from({ length: 16 }, () =>
    disc(200 * roll(), 170 * roll(), 1 + 1.2 * roll()),
  );
  return {
    back: "ground",
    shapes: [
      { d: stars.join(""), fill: "near" },
      { d: disc(x, y, 46), fill: "near" },
      { d: disc(x + 20, y - 10, 40), fill: "ground" },
      { d: box(0, 166, WIDTH, 18), fill: "far" },
    ],
  };
};

const tiles: Motif = (roll) => {
  const side = 50;
  const shapes: Shape[] = [];
  for (let n = 0; n < 16; n += 1) {
    const [x, y] = [side * (n % 4), side * Math.floor(n / 4) - 8];
    const corner = Math.floor(4 * roll());
    const [cx, cy] = [x + side * (corner % 2), y + side * (corner >> 1)];
    const [sx, sy] = [corner % 2 ? -side : side, corner >> 1 ? -side : side];
    const sweep = sx * sy > 0 ? 1 : 0;
    const d = `M${cx} ${cy}h${sx}a${side} ${side} 0 0 ${sweep} ${-sx} ${sy}z`;
    shapes.push({ d, fill: roll() < 0.5 ? "near" : "far" });
  }
  return { back: "ground", shapes };
};

const beam: Motif = (roll) => {
  const x = 30 + 140 * roll();
  return {
    back: "far",
    shapes: [
      { d: `M${x} -8L-20 190H90z`, fill: "ground" },
      { d: `M${x} -8L120 190H230z`, fill: "ground" },
      { d: disc(x, 34, 17), fill: "near" },
      { d: box(0, 170, WIDTH, 14), fill: "near" },
    ],
  };
};

const rings: Motif = (roll) => {
  const [x, y] = [60 + 80 * roll(), 70 + 50 * roll()];
  return {
    back: "ground",
    shapes: [150, 122, 95, 69, 44, 20].map((r, n) => ({
      d: disc(x, y, r),
      fill: (["far", "ground", "near"] as const)[n % 3] ?? "near",
    })),
  };
};

const city: Motif = (roll) => {
  const row = (most: number, wide: number) => {
    let d = "";
    for (let x = -6; x < WIDTH + wide; x += wide) {
      const height = most * (0.35 + 0.65 * roll());
      d += box(x, PICTURE_HEIGHT - height, wide - 3, height);
    }
    return d;
  };
  return {
    back: "ground",
    shapes: [
      { d: disc(40 + 120 * roll(), 58, 28), fill: "near" },
      { d: row(130, 34), fill: "far" },
      { d: row(60, 24), fill: "near" },
    ],
  };
};

const rain: Motif = (roll) => {
  const streaks = Array.from({ length: 26 }, () => {
    const [x, y, long] = [220 * roll(), 190 * roll() - 20, 16 + 30 * roll()];
    return `M${x} ${y}l4 0l${-long / 3} ${long}l-4 0z`;
  });
  return {
    back: "far",
    shapes: [
      { d: disc(100, 96, 58), fill: "near" },
      { d: streaks.join(""), fill: "ground" },
    ],
  };
};

const sail: Motif = (roll) => {
  const tip = 70 + 60 * roll();
  return {
    back: "far",
    shapes: [
      { d: `M${tip} 18L${tip} 184H-10z`, fill: "near" },
      { d: `M${tip + 5} 46L${tip + 5} 184H210z`, fill: "ground" },
    ],
  };
};

const MOTIFS: readonly Motif[] = [
  sun, hills, arches, moon, tiles, beam, rings, city, rain, sail,
]; // prettier-ignore

export const MOTIF_COUNT = MOTIFS.length;
/** Each motif plain, mirrored, and with swapped colours. */
export const VARIANT_COUNT = 3 * MOTIF_COUNT;
const SWAPPED: Readonly<Record<Colour, Colour>> = { near: "far", far: "near", ground: "ground" };

/** The motif that a movie has by its id. */
export function motifOf(movieId: string): number {
  return numberOf(`${movieId} drawn`) % MOTIF_COUNT;
}

/**
 * The drawing for a movie.
 *
 * @param variant Below `VARIANT_COUNT`: the number of its motif, then the same motifs mirrored, then
 *   with swapped colours.
 */
export function draw(movieId: string, variant = motifOf(movieId)): PosterDrawing {
  const number = variant % MOTIF_COUNT;
  const motif = MOTIFS[number] as Motif;
  const drawing = motif(dice(numberOf(`${movieId} drawn`)));
  const form = Math.floor(variant / MOTIF_COUNT);
  const of = (colour: Colour) => (form === 2 ? SWAPPED[colour] : colour);
  return {
    back: of(drawing.back),
    shapes: drawing.shapes.map(({ d, fill }) => ({ d, fill: of(fill) })),
    motif: number,
    isMirrored: form === 1,
    isSwapped: form === 2,
  };
}

export interface Lettering {
  lines: string[];
  /** Font size. */
  size: number;
}

const SIZES = [36, 32, 28, 25, 22, 19, 17, 15, 13] as const;
const LEADING = 1.08;

/** Break a title into lines in the largest size that fits; a title too long for all is truncated. */
export function letter(title: string, width: number, height: number): Lettering {
  for (const size of SIZES) {
    const lines = broken(title, width / size);
    const fits = lines.every((line) => ems(line) * size <= width);
    if (fits && lines.length * size * LEADING <= height) return { lines, size };
  }
  const size = SIZES[SIZES.length - 1] as number;
  const most = Math.floor(height / (size * LEADING));
  const lines = broken(title, width / size, true);
  if (lines.length <= most) return { lines, size };
  const last = [...(lines[most - 1] ?? "")].slice(0, -1).join("").trimEnd();
  return { lines: [...lines.slice(0, most - 1), `${last}…`], size };
}

/** Break text into lines of at most `most` ems; a longer word gets its own line, or is `cut`. */
function broken(text: string, most: number, cut = false): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.trim().split(/\s+/)) {
    const longer = line ? `${line} ${word}` : word;
    if (ems(longer) <= most) {
      line = longer;
      continue;
    }
    if (line) lines.push(line);
    line = word;
    while (cut && ems(line) > most) {
      let head = "";
      for (const sign of line) {
        if (head && ems(head + sign) > most) break;
        head += sign;
      }
      lines.push(head);
      line = line.slice(head.length);
    }
  }
  if (line) lines.push(line);
  return lines;
}

/** The approximate width of a text in ems of the serif font; an overestimate rather than under. */
export function ems(text: string): number {
  let sum = 0;
  for (const sign of text) {
    if (/[\u1100-\uffff]/u.test(sign) || (sign.codePointAt(0) ?? 0) > 0xffff) sum += 1;
    else if (/[MW@%—…]/.test(sign)) sum += 0.95;
    else if (/[\p{Lu}\d&?]/u.test(sign)) sum += 0.66;
    else if (/[mw]/.test(sign)) sum += 0.82;
    else if (/[iljtfr.,:;'’!| I-]/.test(sign)) sum += 0.34;
    else sum += 0.53;
  }
  return sum;
}

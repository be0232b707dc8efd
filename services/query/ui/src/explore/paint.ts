// Drawing the map: the points into one canvas, and over it, because that changes more often, names
// and what is pointed at.

import type { FilmMap } from "../api/client";
import { colourOf } from "./colours";
import type { Grid } from "./grid";
import { placeLabels, type Label } from "./labels";
import { filmName } from "./names";
import { parseColour, Raster, type DotLook } from "./raster";
import { seen, toScreen, type Size, type View } from "./view";

export interface Scene {
  map: FilmMap;
  grid: Grid;
  view: View;
  size: Size;
  /** Films that a search has found, the best first; null without a search. */
  lit: readonly number[] | null;
  /** A cluster that is looked at; the others step back. */
  cluster: number | null;
  /** The film that is pointed at. */
  film: number | null;
  /** Whether the middle is marked, for those who point with keys. */
  marked: boolean;
}

export interface Look {
  dark: boolean;
  ink: string;
  paper: string;
  accent: string;
  sans: string;
  serif: string;
}

/** The rows of the points that can be seen: those in the front are more important. */
export interface Shown {
  lit: number[];
  plain: number[];
}

const FAINT = 0.25;
const DENSE = 0.92;
const LEAST_LIT_PX = 5;
const NAMES_FROM = 45; // fewer points than these on the screen are all named, if there is room
const MOST_LIT_NAMES = 12;
const NARROW_PX = 600;

type Kind = "faint" | "plain" | "lit";

/** Paints points; keeps what can be used for the next picture. */
export function createPointPainter(context: CanvasRenderingContext2D) {
  let raster = new Raster(1, 1);
  let looks = new Map<string, DotLook>();
  let drawnFor = "";

  function lookOf(kind: Kind, cluster: number, radius: number, look: Look): DotLook {
    const key = `${kind} ${cluster} ${radius}`;
    let found = looks.get(key);
    if (found === undefined) {
      found = {
        radius: kind === "faint" ? 0.85 * radius : radius,
        fill: parseColour(colourOf(cluster, look.dark)),
        rim: parseColour(kind === "lit" ? look.ink : look.paper),
        rimWidth: kind === "faint" ? 0 : Math.min(1.5, radius / 5),
        opacity: kind === "faint" ? FAINT : kind === "plain" ? DENSE : 1,
      };
      looks.set(key, found);
    }
    return found;
  }

  return function paint(scene: Scene, look: Look, ratio: number): Shown {
    const { map, grid, view, size, lit, cluster } = scene;
    const [width, height] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
    const now = `${width} ${height} ${look.dark} ${look.paper}`;
    if (now !== drawnFor) {
      [raster, looks, drawnFor] = [new Raster(width, height), new Map(), now];
    }
    raster.clear(parseColour(look.paper));
    const radius = radiusOf(map.x.length, view, size);
    const put = (row: number, kind: Kind, px: number) => {
      const at = toScreen(view, size, { x: map.x[row] ?? 0, y: map.y[row] ?? 0 });
      const dot = lookOf(kind, map.cluster[row] ?? 0, px * ratio, look);
      raster.put(dot, at.x * ratio, at.y * ratio);
    };
    const isLit = new Set(lit ?? []);
    const plain: number[] = [];
    const front = new Set<number>();
    grid.within(seen(view, size, 3 * radius), (row) => {
      if (cluster !== null && map.cluster[row] !== cluster) put(row, "faint", radius);
      else if (isLit.has(row)) front.add(row);
      else if (lit !== null) put(row, "faint", radius);
      else plain.push(row);
    });
    for (const row of plain) put(row, "plain", radius);
    const found = (lit ?? []).filter((row) => front.has(row));
    const large = Math.max(1.5 * radius, LEAST_LIT_PX);
    for (const row of [...found].reverse()) put(row, "lit", large);
    context.putImageData(new ImageData(raster.pixels, width, height), 0, 0);
    return { lit: found, plain };
  };
}

/** Paints names, and what is pointed at. */
export function createNamePainter(context: CanvasRenderingContext2D) {
  const widths = new Map<string, number>();

  function widthOf(text: string, font: string): number {
    const key = `${font}|${text}`;
    let known = widths.get(key);
    if (known === undefined) {
      context.font = font;
      known = context.measureText(text).width;
      widths.set(key, known);
    }
    return known;
  }

  function write(labels: readonly Label[], font: string, size: Size, look: Look): void {
    context.font = font;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    context.lineWidth = 4;
    context.strokeStyle = look.paper;
    context.fillStyle = look.ink;
    for (const { text, x, y } of placeLabels(labels, size, 1)) {
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    }
  }

  function nameFilms(rows: readonly number[], scene: Scene, look: Look): void {
    const { map, view, size, lit } = scene;
    const font = `500 13px ${look.sans}`;
    const radius = radiusOf(map.x.length, view, size);
    const below = 13 + (lit === null ? radius : Math.max(1.5 * radius, LEAST_LIT_PX));
    const labels = rows.map((row) => {
      const text = shortened(filmName(map.titles[row] ?? "", map.years[row] ?? null));
      const at = toScreen(view, size, { x: map.x[row] ?? 0, y: map.y[row] ?? 0 });
      return { text, x: at.x, y: at.y + below, width: widthOf(text, font), height: 16 };
    });
    write(labels, font, size, look);
  }

  function nameClusters({ map, view, size, cluster }: Scene, look: Look): void {
    const narrow = size.width < NARROW_PX;
    const pixels = narrow ? 14 : 17;
    const font = `600 ${pixels}px ${look.serif}`;
    const labels = map.clusters
      .filter(({ number, words }) => words.length && (cluster === null || number === cluster))
      .sort((one, other) => other.movies - one.movies)
      .map((one) => {
        const text = one.words.slice(0, narrow ? 2 : 3).join(" · ");
        const width = widthOf(text, font);
        return { text, ...toScreen(view, size, one), width, height: pixels + 4 };
      });
    write(labels, font, size, look);
  }

  function ring({ map, view, size, film }: Scene, look: Look): void {
    const row = film ?? 0;
    const at = toScreen(view, size, { x: map.x[row] ?? 0, y: map.y[row] ?? 0 });
    const radius = Math.max(radiusOf(map.x.length, view, size), LEAST_LIT_PX) + 4;
    for (const [colour, width] of [[look.paper, 5], [look.ink, 2.5]] as const) {
      context.beginPath();
      context.arc(at.x, at.y, radius, 0, 2 * Math.PI);
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.stroke();
    } // prettier-ignore
  }

  function cross({ size }: Scene, look: Look): void {
    const [x, y] = [size.width / 2, size.height / 2];
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]] as const) {
      context.moveTo(x + 8 * dx, y + 8 * dy);
      context.lineTo(x + 18 * dx, y + 18 * dy);
    } // prettier-ignore
    context.strokeStyle = look.accent;
    context.lineWidth = 2;
    context.stroke();
  }

  return function paint(scene: Scene, shown: Shown, look: Look, ratio: number): void {
    const { size, lit } = scene;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, size.width, size.height);
    if (lit !== null) nameFilms(shown.lit.slice(0, MOST_LIT_NAMES), scene, look);
    else if (shown.plain.length <= NAMES_FROM) nameFilms(shown.plain, scene, look);
    else nameClusters(scene, look);
    if (scene.film !== null) ring(scene, look);
    if (scene.marked) cross(scene, look);
  };
}

/** Of a point, in CSS pixels: larger where there is more room between points. */
export function radiusOf(count: number, view: View, size: Size): number {
  const apart = (2 * view.scale) / Math.sqrt(Math.max(count, 1));
  const most = Math.min(size.width, size.height) < 500 ? 8 : 10;
  return Math.round(2 * Math.min(Math.max(0.2 * apart, 1.6), most)) / 2;
}

const MOST_SIGNS = 34;

function shortened(text: string): string {
  const signs = [...text];
  return signs.length > MOST_SIGNS ? `${signs.slice(0, MOST_SIGNS - 1).join("")}…` : text;
}

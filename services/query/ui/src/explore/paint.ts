// Draws the map: the points on one canvas, and on a second one above it, because they change more
// often, the names and the movie that is pointed at.

import type { MovieMap } from "../api/client";
import { colourOf } from "./colours";
import type { Grid } from "./grid";
import { placeLabels, type Label } from "./labels";
import { movieName } from "./names";
import { parseColour, Raster, type DotLook } from "./raster";
import { toScreen, visibleBox, type Size, type View } from "./view";

export interface Scene {
  map: MovieMap;
  grid: Grid;
  view: View;
  size: Size;
  /** The rows of search results, the best first; null without a search. */
  highlighted: readonly number[] | null;
  /** The selected cluster; the others are drawn faintly. */
  cluster: number | null;
  /** The row that is pointed at. */
  pointed: number | null;
  /** Whether to mark the centre, for keyboard users. */
  showCentre: boolean;
}

export interface Look {
  dark: boolean;
  ink: string;
  paper: string;
  accent: string;
  sans: string;
  serif: string;
}

/** The rows of the visible points; highlighted ones are drawn in front. */
export interface DrawnRows {
  highlighted: number[];
  plain: number[];
}

const FAINT = 0.25;
const DENSE = 0.92;
const MIN_HIGHLIGHT_PX = 5;
const MAX_NAMED = 45; // with at most this many points on the screen, each is named if there is space
const MAX_HIGHLIGHT_NAMES = 12;
const NARROW_PX = 600;

type Kind = "faint" | "plain" | "highlighted";

/** Creates a function that paints points; it reuses its raster and dots between frames. */
export function createPointPainter(context: CanvasRenderingContext2D) {
  let raster = new Raster(1, 1);
  let looks = new Map<string, DotLook>();
  let drawnFor = "";

  function lookOf(kind: Kind, cluster: number, radius: number, look: Look): DotLook {
    const key = `${kind} ${cluster} ${radius}`;
    let dot = looks.get(key);
    if (dot === undefined) {
      dot = {
        radius: kind === "faint" ? 0.85 * radius : radius,
        fill: parseColour(colourOf(cluster, look.dark)),
        rim: parseColour(kind === "highlighted" ? look.ink : look.paper),
        rimWidth: kind === "faint" ? 0 : Math.min(1.5, radius / 5),
        opacity: kind === "faint" ? FAINT : kind === "plain" ? DENSE : 1,
      };
      looks.set(key, dot);
    }
    return dot;
  }

  return function paint(scene: Scene, look: Look, ratio: number): DrawnRows {
    const { map, grid, view, size, highlighted, cluster } = scene;
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
    const isHighlighted = new Set(highlighted ?? []);
    const plain: number[] = [];
    const front = new Set<number>();
    grid.within(visibleBox(view, size, 3 * radius), (row) => {
      if (cluster !== null && map.cluster[row] !== cluster) put(row, "faint", radius);
      else if (isHighlighted.has(row)) front.add(row);
      else if (highlighted !== null) put(row, "faint", radius);
      else plain.push(row);
    });
    for (const row of plain) put(row, "plain", radius);
    const visible = (highlighted ?? []).filter((row) => front.has(row));
    const large = Math.max(1.5 * radius, MIN_HIGHLIGHT_PX);
    for (const row of [...visible].reverse()) put(row, "highlighted", large); // the best on top
    context.putImageData(new ImageData(raster.pixels, width, height), 0, 0);
    return { highlighted: visible, plain };
  };
}

/** Creates a function that paints names, and a ring around the movie that is pointed at. */
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

  function nameMovies(rows: readonly number[], scene: Scene, look: Look): void {
    const { map, view, size, highlighted } = scene;
    const font = `500 13px ${look.sans}`;
    const radius = radiusOf(map.x.length, view, size);
    const below = 13 + (highlighted === null ? radius : Math.max(1.5 * radius, MIN_HIGHLIGHT_PX));
    const labels = rows.map((row) => {
      const text = shortened(movieName(map.titles[row] ?? "", map.years[row] ?? null));
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

  function ring(row: number, { map, view, size }: Scene, look: Look): void {
    const at = toScreen(view, size, { x: map.x[row] ?? 0, y: map.y[row] ?? 0 });
    const radius = Math.max(radiusOf(map.x.length, view, size), MIN_HIGHLIGHT_PX) + 4;
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

  return function paint(scene: Scene, drawn: DrawnRows, look: Look, ratio: number): void {
    const { size, highlighted } = scene;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, size.width, size.height);
    if (highlighted !== null) {
      nameMovies(drawn.highlighted.slice(0, MAX_HIGHLIGHT_NAMES), scene, look);
    } else if (drawn.plain.length <= MAX_NAMED) nameMovies(drawn.plain, scene, look);
    else nameClusters(scene, look);
    if (scene.pointed !== null) ring(scene.pointed, scene, look);
    if (scene.showCentre) cross(scene, look);
  };
}

/** The radius of a point in CSS pixels: larger where points are farther apart. */
export function radiusOf(count: number, view: View, size: Size): number {
  const apart = (2 * view.scale) / Math.sqrt(Math.max(count, 1));
  const most = Math.min(size.width, size.height) < 500 ? 8 : 10;
  return Math.round(2 * Math.min(Math.max(0.2 * apart, 1.6), most)) / 2;
}

const MAX_NAME_CHARS = 34;

function shortened(text: string): string {
  const chars = [...text];
  return chars.length > MAX_NAME_CHARS ? `${chars.slice(0, MAX_NAME_CHARS - 1).join("")}…` : text;
}

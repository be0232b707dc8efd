// The visible part of the map. The map is the square from -1 to 1, y upwards; the screen is in CSS
// pixels, y downwards. Pure.

export interface View {
  /** The map position at the centre of the screen. */
  x: number;
  y: number;
  /** Pixels per unit of the map. */
  scale: number;
}

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

export interface Box {
  left: number;
  right: number;
  bottom: number;
  top: number;
}

const MAX_ZOOM = 60;
const MARGIN_PX = 36;

export function toScreen(view: View, size: Size, { x, y }: Point): Point {
  return {
    x: size.width / 2 + (x - view.x) * view.scale,
    y: size.height / 2 - (y - view.y) * view.scale,
  };
}

export function toMap(view: View, size: Size, { x, y }: Point): Point {
  return {
    x: view.x + (x - size.width / 2) / view.scale,
    y: view.y - (y - size.height / 2) / view.scale,
  };
}

/** The part of the map on the screen, with a margin of `beyond` pixels. */
export function visibleBox(view: View, size: Size, beyond = 0): Box {
  const across = (size.width / 2 + beyond) / view.scale;
  const up = (size.height / 2 + beyond) / view.scale;
  return { left: view.x - across, right: view.x + across, bottom: view.y - up, top: view.y + up };
}

export function boxOf(points: Iterable<Point>): Box | null {
  let box: Box | null = null;
  for (const { x, y } of points) {
    if (box === null) box = { left: x, right: x, bottom: y, top: y };
    else {
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x);
      box.bottom = Math.min(box.bottom, y);
      box.top = Math.max(box.top, y);
    }
  }
  return box;
}

/** The closest view that shows all of a box, up to a scale of `maxScale`. */
export function fit(box: Box, size: Size, maxScale = Infinity): View {
  const margin = Math.min(MARGIN_PX, size.width / 20);
  const across = Math.max(size.width - 2 * margin, 1) / Math.max(box.right - box.left, 0.02);
  const up = Math.max(size.height - 2 * margin, 1) / Math.max(box.top - box.bottom, 0.02);
  return {
    x: (box.left + box.right) / 2,
    y: (box.bottom + box.top) / 2,
    scale: Math.min(across, up, maxScale),
  };
}

/** Zoomed by a factor, keeping the map position at screen point `at` in place. */
export function zoomed(view: View, size: Size, at: Point, factor: number, whole: View): View {
  const scale = clamp(view.scale * factor, whole.scale * 0.8, whole.scale * MAX_ZOOM);
  const fixed = toMap(view, size, at);
  return bounded(
    {
      x: fixed.x - (at.x - size.width / 2) / scale,
      y: fixed.y + (at.y - size.height / 2) / scale,
      scale,
    },
    whole,
  );
}

/** Moved by a distance on the screen. */
export function panned(view: View, dx: number, dy: number, whole: View): View {
  return bounded({ ...view, x: view.x - dx / view.scale, y: view.y + dy / view.scale }, whole);
}

/** Limited to the map and a margin around it. */
function bounded(view: View, whole: View): View {
  const reach = 1.1;
  return {
    x: clamp(view.x, whole.x - reach, whole.x + reach),
    y: clamp(view.y, whole.y - reach, whole.y + reach),
    scale: view.scale,
  };
}

/** Interpolated between two views: `part` 0 is `from`, 1 is `to`. */
export function between(from: View, to: View, part: number): View {
  const eased = part < 0.5 ? 2 * part * part : 1 - 2 * (1 - part) ** 2;
  const scale = from.scale * (to.scale / from.scale) ** eased;
  // The centre moves in proportion to the zoom, so that the path looks straight.
  const moved =
    Math.abs(to.scale / from.scale - 1) < 1e-3
      ? eased
      : (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / to.scale);
  return { x: mix(from.x, to.x, moved), y: mix(from.y, to.y, moved), scale };
}

function mix(one: number, other: number, part: number): number {
  return one + (other - one) * part;
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}

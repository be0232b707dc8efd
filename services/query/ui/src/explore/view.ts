// What part of the map is seen. The map is the square from -1 to 1, y upwards; the screen is in CSS
// pixels, y downwards. Pure.

export interface View {
  /** What is in the middle of the screen. */
  x: number;
  y: number;
  /** Pixels for one unit of the map. */
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

const MOST_ZOOM = 60;
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

/** What of the map is on the screen, and `beyond` pixels around it. */
export function seen(view: View, size: Size, beyond = 0): Box {
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

/** The view that shows all of a box, and no more of the map than needed; no closer than `most`. */
export function fit(box: Box, size: Size, most = Infinity): View {
  const margin = Math.min(MARGIN_PX, size.width / 20);
  const across = Math.max(size.width - 2 * margin, 1) / Math.max(box.right - box.left, 0.02);
  const up = Math.max(size.height - 2 * margin, 1) / Math.max(box.top - box.bottom, 0.02);
  return {
    x: (box.left + box.right) / 2,
    y: (box.bottom + box.top) / 2,
    scale: Math.min(across, up, most),
  };
}

/** Closer by a factor, such that what is at `at` on the screen stays there. */
export function zoomed(view: View, size: Size, at: Point, factor: number, whole: View): View {
  const scale = clamp(view.scale * factor, whole.scale * 0.8, whole.scale * MOST_ZOOM);
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

/** Moved as a finger moves over the screen. */
export function panned(view: View, dx: number, dy: number, whole: View): View {
  return bounded({ ...view, x: view.x - dx / view.scale, y: view.y + dy / view.scale }, whole);
}

/** Somewhere on the map: nobody shall get lost beside it. */
function bounded(view: View, whole: View): View {
  const reach = 1.1;
  return {
    x: clamp(view.x, whole.x - reach, whole.x + reach),
    y: clamp(view.y, whole.y - reach, whole.y + reach),
    scale: view.scale,
  };
}

/** A part of the way from one view to another: 0 is `from`, 1 is `to`. */
export function between(from: View, to: View, part: number): View {
  const eased = part < 0.5 ? 2 * part * part : 1 - 2 * (1 - part) ** 2;
  const scale = from.scale * (to.scale / from.scale) ** eased;
  // What is in the middle moves with the zoom, so that the way looks straight.
  const moved =
    Math.abs(to.scale / from.scale - 1) < 1e-3
      ? eased
      : (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / to.scale);
  return { x: mix(from.x, to.x, moved), y: mix(from.y, to.y, moved), scale };
}

function mix(one: number, other: number, part: number): number {
  return one + (other - one) * part;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

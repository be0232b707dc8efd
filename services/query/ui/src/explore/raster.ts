// Draws dots into a picture in memory. Ten thousand of them take a few milliseconds, with or without a
// GPU; drawing each with canvas calls takes a hundred times as long without one. Pure; units are
// device pixels.

export type Colour = readonly [red: number, green: number, blue: number];

/** A dot as pixels with opacity, to be copied into the picture. */
export interface Dot {
  side: number;
  /** Red, green, blue and opacity, from 0 to 255, by pixel. */
  pixels: Uint8Array;
}

export interface DotLook {
  radius: number;
  fill: Colour;
  rim: Colour;
  rimWidth: number;
  opacity: number;
}

const PARTS = 4; // of a pixel: dots are placed at quarter pixels, so that they move smoothly

export function parseColour(text: string): Colour {
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim())?.[1] ?? "808080";
  const digits = hex.length === 3 ? [...hex].map((digit) => digit + digit).join("") : hex;
  const value = parseInt(digits, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** A dot whose centre is (dx, dy) quarters of a pixel beside the centre of its pixels. */
export function drawDot(look: DotLook, dx: number, dy: number): Dot {
  const side = 2 * Math.ceil(look.radius + 1) + 1;
  const pixels = new Uint8Array(4 * side * side);
  const [x, y] = [(side - 1) / 2 + dx / PARTS, (side - 1) / 2 + dy / PARTS];
  for (let row = 0; row < side; row += 1) {
    for (let column = 0; column < side; column += 1) {
      const distance = Math.hypot(column - x, row - y);
      const whole = coverage(look.radius - distance);
      if (whole === 0) continue;
      const inner = coverage(look.radius - look.rimWidth - distance) / whole;
      const place = 4 * (row * side + column);
      for (const n of [0, 1, 2] as const) {
        pixels[place + n] = Math.round(look.rim[n] + (look.fill[n] - look.rim[n]) * inner);
      }
      pixels[place + 3] = Math.round(255 * whole * look.opacity);
    }
  }
  return { side, pixels };
}

/** The share of a pixel inside an edge at a distance from the pixel's centre. */
function coverage(inside: number): number {
  return Math.min(Math.max(inside + 0.5, 0), 1);
}

export class Raster {
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
  private readonly words: Uint32Array;
  private readonly dots = new Map<DotLook, (Dot | undefined)[]>();

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    const buffer = new ArrayBuffer(4 * width * height);
    this.pixels = new Uint8ClampedArray(buffer);
    this.words = new Uint32Array(buffer);
  }

  /** Fill the picture with one colour. */
  clear([red, green, blue]: Colour): void {
    const word = new Uint32Array(new Uint8Array([red, green, blue, 255]).buffer)[0] ?? 0;
    this.words.fill(word);
  }

  /** Draw a dot; dots are cached by the identity of `look`, so reuse the object. */
  put(look: DotLook, x: number, y: number): void {
    const [left, top] = [Math.round(x), Math.round(y)];
    const [dx, dy] = [part(x - left), part(y - top)];
    let dots = this.dots.get(look);
    if (dots === undefined) this.dots.set(look, (dots = []));
    const key = (dy + PARTS) * 2 * PARTS + dx + PARTS;
    const dot = (dots[key] ??= drawDot(look, dx, dy));
    this.stamp(dot, left - (dot.side - 1) / 2, top - (dot.side - 1) / 2);
  }

  private stamp({ side, pixels }: Dot, left: number, top: number): void {
    const target = this.pixels;
    const [from, to] = [Math.max(0, -left), Math.min(side, this.width - left)];
    const [first, end] = [Math.max(0, -top), Math.min(side, this.height - top)];
    for (let row = first; row < end; row += 1) {
      let source = 4 * (row * side + from);
      let place = 4 * ((top + row) * this.width + left + from);
      for (let column = from; column < to; column += 1, source += 4, place += 4) {
        const opacity = pixels[source + 3] as number;
        if (opacity === 0) continue;
        for (let n = 0; n < 3; n += 1) {
          const old = target[place + n] as number;
          target[place + n] = old + (((pixels[source + n] as number) - old) * opacity) / 255;
        }
      }
    }
  }
}

function part(value: number): number {
  return Math.round(value * PARTS);
}

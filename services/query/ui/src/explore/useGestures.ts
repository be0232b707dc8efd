// Translates touch, mouse and wheel events on the map into changes of the view.

import { onBeforeUnmount, onMounted, type Ref } from "vue";

import type { Point } from "./view";

export interface Gestures {
  pan: (dx: number, dy: number) => void;
  zoom: (at: Point, factor: number) => void;
  /** The pointer hovers over a position, or has left the map: null. */
  point: (at: Point | null) => void;
  /** A click or a tap without movement. */
  pick: (at: Point, touched: boolean) => void;
}

const MOVE_THRESHOLD_PX = 6;
const WHEEL_STEP = 0.0022;
const LINE_PX = 16;

export function useGestures(element: Readonly<Ref<HTMLElement | null>>, on: Gestures): void {
  const down = new Map<number, Point>();
  let began: Point | null = null;
  let moved = false;

  function place(event: MouseEvent): Point {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  function onDown(event: PointerEvent): void {
    if (event.button !== 0) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    down.set(event.pointerId, place(event));
    moved = down.size > 1;
    began = place(event);
  }

  function onMove(event: PointerEvent): void {
    const now = place(event);
    const before = down.get(event.pointerId);
    if (before === undefined) {
      if (event.pointerType === "mouse") on.point(now);
      return;
    }
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const factor = distance(now, other) / Math.max(distance(before, other), 1);
      // The midpoint between two fingers moves half as far as the finger that moves.
      on.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
      on.zoom({ x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 }, factor);
      moved = true;
    } else {
      if (began && !moved && distance(now, began) < MOVE_THRESHOLD_PX) return;
      moved = true;
      on.pan(now.x - before.x, now.y - before.y);
    }
    down.set(event.pointerId, now);
  }

  function onUp(event: PointerEvent): void {
    if (!down.delete(event.pointerId) || down.size > 0) return;
    if (!moved && event.type === "pointerup") on.pick(place(event), event.pointerType !== "mouse");
    moved = false;
    began = null;
  }

  function onLeave(event: PointerEvent): void {
    // Lifting a finger is also a leave event, but a tapped movie stays selected.
    if (event.pointerType === "mouse") on.point(null);
  }

  function onWheel(event: WheelEvent): void {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
    // A pinch on a touchpad is reported as small wheel steps with the control key.
    const step = WHEEL_STEP * (event.ctrlKey ? 4 : 1);
    on.zoom(place(event), Math.exp(-event.deltaY * pixels * step));
  }

  onMounted(() => {
    const target = element.value;
    if (target === null) return;
    target.addEventListener("pointerdown", onDown);
    target.addEventListener("pointermove", onMove);
    target.addEventListener("pointerup", onUp);
    target.addEventListener("pointercancel", onUp);
    target.addEventListener("pointerleave", onLeave);
    target.addEventListener("wheel", onWheel, { passive: false });
  });
  onBeforeUnmount(() => down.clear());
}

function distance(one: Point, other: Point): number {
  return Math.hypot(one.x - other.x, one.y - other.y);
}

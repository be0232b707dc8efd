// Fingers, mouse, wheel and keys on the map, as changes of the view.

import { onBeforeUnmount, onMounted, type Ref } from "vue";

import type { Point } from "./view";

export interface Gestures {
  pan: (dx: number, dy: number) => void;
  zoom: (at: Point, factor: number) => void;
  /** The pointer is over a place, or null: over none. */
  point: (at: Point | null) => void;
  /** A click or a tap that was no movement. */
  pick: (at: Point, touched: boolean) => void;
}

const STILL_PX = 6;
const WHEEL_STEP = 0.0022;
const LINE_PX = 16;

export function useGestures(element: Readonly<Ref<HTMLElement | null>>, act: Gestures): void {
  const down = new Map<number, Point>();
  let began: Point | null = null;
  let moved = false;

  function place(event: MouseEvent): Point {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  function pressed(event: PointerEvent): void {
    if (event.button !== 0) return;
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    down.set(event.pointerId, place(event));
    moved = down.size > 1;
    began = place(event);
  }

  function went(event: PointerEvent): void {
    const now = place(event);
    const before = down.get(event.pointerId);
    if (before === undefined) {
      if (event.pointerType === "mouse") act.point(now);
      return;
    }
    const other = [...down].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const factor = apart(now, other) / Math.max(apart(before, other), 1);
      // The middle of two fingers moves half as far as the one that moves.
      act.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
      act.zoom({ x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 }, factor);
      moved = true;
    } else {
      if (began && !moved && apart(now, began) < STILL_PX) return;
      moved = true;
      act.pan(now.x - before.x, now.y - before.y);
    }
    down.set(event.pointerId, now);
  }

  function lifted(event: PointerEvent): void {
    if (!down.delete(event.pointerId) || down.size > 0) return;
    if (!moved && event.type === "pointerup") act.pick(place(event), event.pointerType !== "mouse");
    moved = false;
    began = null;
  }

  function left(event: PointerEvent): void {
    // A finger that is lifted leaves, too; what it has tapped stays.
    if (event.pointerType === "mouse") act.point(null);
  }

  function wheeled(event: WheelEvent): void {
    event.preventDefault();
    const pixels = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1;
    // A pinch on a touchpad comes as a wheel with small steps and the control key.
    const step = WHEEL_STEP * (event.ctrlKey ? 4 : 1);
    act.zoom(place(event), Math.exp(-event.deltaY * pixels * step));
  }

  onMounted(() => {
    const on = element.value;
    if (on === null) return;
    on.addEventListener("pointerdown", pressed);
    on.addEventListener("pointermove", went);
    on.addEventListener("pointerup", lifted);
    on.addEventListener("pointercancel", lifted);
    on.addEventListener("pointerleave", left);
    on.addEventListener("wheel", wheeled, { passive: false });
  });
  onBeforeUnmount(() => down.clear());
}

function apart(one: Point, other: Point): number {
  return Math.hypot(one.x - other.x, one.y - other.y);
}

import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Problem } from "../api/client";
import { settle } from "../testing";
import { PROBLEMS } from "./testing";
import { useAction } from "./useAction";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const redisUnavailable = () => new Problem(new Response(null, { status: 503 }), PROBLEMS.redis[0]);

it("performs one action at a time and shows its message", async () => {
  const { busy, notice, perform } = useAction();
  let finish: (text: string) => void = () => undefined;
  const first = perform(() => new Promise((resolve) => (finish = resolve)));
  expect(busy.value).toBe(true);
  const second = vi.fn(async () => "twice");
  expect(await perform(second)).toBe(false);
  expect(second).not.toHaveBeenCalled();
  finish("Done.");
  expect(await first).toBe(true);
  expect([busy.value, notice.value]).toEqual([false, { kind: "", text: "Done." }]);
});

it("repeats a request after a transient error, and says so", async () => {
  const { notice, perform } = useAction();
  const act = vi
    .fn<() => Promise<string>>()
    .mockRejectedValueOnce(redisUnavailable())
    .mockRejectedValueOnce(new TypeError("Failed to fetch"))
    .mockResolvedValue("Done.");
  const done = perform(act);
  await settle();
  expect(notice.value).toEqual({ kind: "waiting", text: "Redis cannot be reached. Retrying…" });
  await vi.advanceTimersByTimeAsync(1000);
  expect(notice.value.text).toBe("Cannot reach the server. Retrying…");
  await vi.advanceTimersByTimeAsync(1000);
  expect(await done).toBe(true);
  expect(act).toHaveBeenCalledTimes(3);
});

it("gives up after a while, so that the action does not happen unexpectedly late", async () => {
  const { busy, notice, perform } = useAction(2500);
  const act = vi.fn(() => Promise.reject(redisUnavailable()));
  const done = perform(act);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await done).toBe(false);
  expect(act).toHaveBeenCalledTimes(3);
  expect(notice.value.kind).toBe("trouble");
  expect(busy.value).toBe(false);
});

it("does not repeat a request that is refused", async () => {
  const { notice, perform } = useAction();
  const act = vi.fn(() =>
    Promise.reject(new Problem(new Response(null, { status: 404 }), { title: "No such run" })),
  );
  expect(await perform(act)).toBe(false);
  expect(act).toHaveBeenCalledOnce();
  expect(notice.value).toEqual({ kind: "trouble", text: "No such run." });
});

it("stops when its view is closed", async () => {
  const { dispose, notice, perform } = useAction();
  const done = perform(() => Promise.reject(redisUnavailable()));
  await settle();
  dispose();
  expect(await done).toBe(false);
  expect(notice.value.kind).toBe("waiting");
});

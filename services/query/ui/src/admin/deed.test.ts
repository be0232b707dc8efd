import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Problem } from "../api/client";
import { settle } from "../testing";
import { useDeeds } from "./deed";
import { PROBLEMS } from "./testing";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const redisAway = () => new Problem(new Response(null, { status: 503 }), PROBLEMS.redis[0]);

it("does one thing at a time and says that it is done", async () => {
  const { busy, notice, perform } = useDeeds();
  let finish: (text: string) => void = () => undefined;
  const first = perform(() => new Promise((resolve) => (finish = resolve)));
  expect(busy.value).toBe(true);
  const second = vi.fn(async () => "twice");
  expect(await perform(second)).toBe(false);
  expect(second).not.toHaveBeenCalled();
  finish("It is done.");
  expect(await first).toBe(true);
  expect([busy.value, notice.value]).toEqual([false, { kind: "", text: "It is done." }]);
});

it("tries again for a while where that can help, and says so", async () => {
  const { notice, perform } = useDeeds();
  const act = vi
    .fn<() => Promise<string>>()
    .mockRejectedValueOnce(redisAway())
    .mockRejectedValueOnce(new TypeError("Failed to fetch"))
    .mockResolvedValue("It is done.");
  const done = perform(act);
  await settle();
  expect(notice.value).toEqual({
    kind: "waiting",
    text: "Redis cannot be reached. Trying again.",
  });
  await vi.advanceTimersByTimeAsync(1000);
  expect(notice.value.text).toMatch(/^The service cannot be reached/);
  await vi.advanceTimersByTimeAsync(1000);
  expect(await done).toBe(true);
  expect(act).toHaveBeenCalledTimes(3);
});

it("gives up in the end, so that nothing happens long after it was wanted", async () => {
  const { busy, notice, perform } = useDeeds(2500);
  const act = vi.fn(() => Promise.reject(redisAway()));
  const done = perform(act);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await done).toBe(false);
  expect(act).toHaveBeenCalledTimes(3);
  expect(notice.value.kind).toBe("trouble");
  expect(busy.value).toBe(false);
});

it("does not try again what is refused", async () => {
  const { notice, perform } = useDeeds();
  const act = vi.fn(() =>
    Promise.reject(new Problem(new Response(null, { status: 404 }), { title: "No such run" })),
  );
  expect(await perform(act)).toBe(false);
  expect(act).toHaveBeenCalledOnce();
  expect(notice.value).toEqual({ kind: "trouble", text: "No such run." });
});

it("stops when one goes away", async () => {
  const { end, notice, perform } = useDeeds();
  const done = perform(() => Promise.reject(redisAway()));
  await settle();
  end();
  expect(await done).toBe(false);
  expect(notice.value.kind).toBe("waiting");
});

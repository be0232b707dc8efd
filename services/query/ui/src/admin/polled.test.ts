import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { settle } from "../testing";
import type { Polled } from "./polled";
import { poll } from "./polled";
import { heldAdmin, PROBLEMS } from "./testing";

const LIST = { sources: [] };
let polled: Polled<unknown>;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  polled.end();
  vi.useRealTimers();
  Object.defineProperty(document, "hidden", { value: false, configurable: true });
});

function polling() {
  const { admin, asked } = heldAdmin();
  const refused: unknown[] = [];
  polled = poll(admin.sources, {
    everyMs: () => 5000,
    onRefused: (error) => refused.push(error),
  });
  return { asked, refused };
}

async function pass(ms: number) {
  await vi.advanceTimersByTimeAsync(ms);
  await settle();
}

it("reads at once and then at its pace, one reading at a time", async () => {
  const { asked } = polling();
  expect(asked).toHaveLength(1);
  await pass(60_000);
  expect(asked).toHaveLength(1);
  await asked[0]?.answer(LIST);
  expect(polled.value.value).toEqual(LIST);
  await pass(4900);
  expect(asked).toHaveLength(1);
  await pass(200);
  expect(asked).toHaveLength(2);
});

it("keeps what it has while readings fail, says why, and gets well by itself", async () => {
  const { asked } = polling();
  await asked[0]?.answer(LIST);
  await pass(5000);
  await asked[1]?.fail();
  expect(polled.value.value).toEqual(LIST);
  expect(polled.trouble.value).toBe("The service cannot be reached.");
  await pass(1600);
  await asked[2]?.answer(...PROBLEMS.redis);
  expect(polled.trouble.value).toBe("Redis cannot be reached.");
  await pass(2100);
  await asked[3]?.answer({ sources: [1] });
  expect(polled.trouble.value).toBe("");
  expect(polled.value.value).toEqual({ sources: [1] });
});

it.each(["unauthorized", "off"] as const)(
  "goes on no longer when it is refused: %s",
  async (why) => {
    const { asked, refused } = polling();
    const [problem, status] = PROBLEMS[why];
    await asked[0]?.answer(problem, status);
    expect(refused).toHaveLength(1);
    await pass(60_000);
    expect(asked).toHaveLength(1);
  },
);

it("reads anew when told to, also while it is reading", async () => {
  const { asked } = polling();
  let done = false;
  void polled.refresh().then(() => (done = true));
  await asked[0]?.answer(LIST); // was asked before
  await pass(0);
  expect(done).toBe(false);
  await asked[1]?.answer(LIST);
  expect(done).toBe(true);
  void polled.refresh();
  await pass(0);
  expect(asked).toHaveLength(3);
});

it("does not read while nobody looks", async () => {
  const { asked } = polling();
  await asked[0]?.answer(LIST);
  Object.defineProperty(document, "hidden", { value: true, configurable: true });
  await pass(60_000);
  expect(asked).toHaveLength(1);
  Object.defineProperty(document, "hidden", { value: false, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
  await pass(0);
  expect(asked).toHaveLength(2);
});

it("ends, and whoever waits is let go", async () => {
  const { asked } = polling();
  const waiting = polled.refresh();
  polled.end();
  await pass(0);
  await expect(waiting).resolves.toBeUndefined();
  expect(asked[0]?.signal.aborted).toBe(true);
  await expect(polled.refresh()).resolves.toBeUndefined();
});

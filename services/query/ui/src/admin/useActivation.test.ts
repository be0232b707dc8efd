import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { settle } from "../testing";
import type { Activation } from "./api";
import { heldAdmin, PROBLEMS } from "./testing";
import { telling, useActivation } from "./useActivation";

const queued: Activation = {
  activation_id: "8e03978e40d543dd",
  snapshot_id: "00000041-5d2e8dcd",
  state: "queued",
  requested_at: "2025-06-01T13:00:00Z",
  ended_at: null,
  replaced: null,
  reason: null,
};
const never = new AbortController().signal;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

async function pass(ms: number) {
  await vi.advanceTimersByTimeAsync(ms);
  await settle();
}

it("follows a wish to its verdict, through a service that is away for a moment", async () => {
  const { admin, asked } = heldAdmin();
  const { ask, pending, verdict } = useActivation(admin);
  const recorded = ask("00000041-5d2e8dcd", never);
  expect(asked[0]?.url).toBe("/admin/snapshots/00000041-5d2e8dcd/activate");
  await asked[0]?.answer(queued, 202);
  await recorded;
  expect(pending.value).toBe("00000041-5d2e8dcd");

  const followed = verdict();
  await pass(500);
  await asked[1]?.answer(queued);
  await pass(500);
  await asked[2]?.answer(...PROBLEMS.redis);
  await pass(500);
  await asked[3]?.answer({ ...queued, state: "done" });
  expect((await followed)?.state).toBe("done");
  expect(pending.value).toBeNull();
});

it("is over when one goes away", async () => {
  const { admin, asked } = heldAdmin();
  const { ask, end, verdict } = useActivation(admin);
  const recorded = ask("1", never);
  await asked[0]?.answer(queued, 202);
  await recorded;
  const followed = verdict();
  end();
  await pass(500);
  expect(await followed).toBeNull();
});

it("is told in words", () => {
  const id = queued.snapshot_id;
  const done: Activation = { ...queued, state: "done", replaced: "00000042-1" };
  expect(telling(queued, null)).toMatch(/is asked for/);
  expect(telling(done, "00000042-1")).toBe(`${id} is current, and is being loaded.`);
  expect(telling(done, id)).toBe(`${id} is served now. It has taken the place of 00000042-1.`);
  expect(telling({ ...done, replaced: id }, id)).toBe(`${id} is served now.`);
  const refused: Activation = { ...queued, state: "refused", reason: "a file is damaged" };
  expect(telling(refused, id)).toBe(`${id} was refused: a file is damaged.`);
});

import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { settle } from "../testing";
import type { Activation } from "./api";
import { heldAdmin, PROBLEMS } from "./testing";
import { activationMessage, useActivation } from "./useActivation";

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

it("follows an activation to its conclusion, across a short outage", async () => {
  const { admin, requests } = heldAdmin();
  const { conclusion, pending, request } = useActivation(admin);
  const recorded = request("00000041-5d2e8dcd", never);
  expect(requests[0]?.url).toBe("/admin/snapshots/00000041-5d2e8dcd/activate");
  await requests[0]?.respond(queued, 202);
  await recorded;
  expect(pending.value).toBe("00000041-5d2e8dcd");

  const followed = conclusion();
  await pass(500);
  await requests[1]?.respond(queued);
  await pass(500);
  await requests[2]?.respond(...PROBLEMS.redis);
  await pass(500);
  await requests[3]?.respond({ ...queued, state: "done" });
  expect((await followed)?.state).toBe("done");
  expect(pending.value).toBeNull();
});

it("ends when its view is closed", async () => {
  const { admin, requests } = heldAdmin();
  const { conclusion, dispose, request } = useActivation(admin);
  const recorded = request("1", never);
  await requests[0]?.respond(queued, 202);
  await recorded;
  const followed = conclusion();
  dispose();
  await pass(500);
  expect(await followed).toBeNull();
});

it("is described in a sentence", () => {
  const id = queued.snapshot_id;
  const done: Activation = { ...queued, state: "done", replaced: "00000042-1" };
  expect(activationMessage(queued, null)).toMatch(/requested. The embedder is verifying it/);
  expect(activationMessage(done, "00000042-1")).toBe(`${id} is current and is being loaded.`);
  expect(activationMessage(done, id)).toBe(`${id} is served now, replacing 00000042-1.`);
  expect(activationMessage({ ...done, replaced: id }, id)).toBe(`${id} is served now.`);
  const refused: Activation = { ...queued, state: "refused", reason: "a file is damaged" };
  expect(activationMessage(refused, id)).toBe(`${id} was refused: a file is damaged.`);
});

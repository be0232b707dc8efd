import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { settle } from "../testing";
import { poll, type Poll } from "./polling";
import { heldAdmin, PROBLEMS } from "./testing";

const LIST = { sources: [] };
let current: Poll<unknown>;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  current.stop();
  vi.useRealTimers();
  Object.defineProperty(document, "hidden", { value: false, configurable: true });
});

function startPolling() {
  const { admin, requests } = heldAdmin();
  const refused: unknown[] = [];
  current = poll(admin.sources, {
    everyMs: () => 5000,
    onRefused: (error) => refused.push(error),
  });
  return { requests, refused };
}

async function pass(ms: number) {
  await vi.advanceTimersByTimeAsync(ms);
  await settle();
}

it("requests at once and then at its interval, one request at a time", async () => {
  const { requests } = startPolling();
  expect(requests).toHaveLength(1);
  await pass(60_000);
  expect(requests).toHaveLength(1);
  await requests[0]?.respond(LIST);
  expect(current.value.value).toEqual(LIST);
  await pass(4900);
  expect(requests).toHaveLength(1);
  await pass(200);
  expect(requests).toHaveLength(2);
});

it("keeps its data while requests fail, reports why, and recovers", async () => {
  const { requests } = startPolling();
  await requests[0]?.respond(LIST);
  await pass(5000);
  await requests[1]?.fail();
  expect(current.value.value).toEqual(LIST);
  expect(current.trouble.value).toBe("Cannot reach the server.");
  await pass(1600);
  await requests[2]?.respond(...PROBLEMS.redis);
  expect(current.trouble.value).toBe("Redis cannot be reached.");
  await pass(2100);
  await requests[3]?.respond({ sources: [1] });
  expect(current.trouble.value).toBe("");
  expect(current.value.value).toEqual({ sources: [1] });
});

it.each(["unauthorized", "off"] as const)("stops when it is refused: %s", async (why) => {
  const { requests, refused } = startPolling();
  const [problem, status] = PROBLEMS[why];
  await requests[0]?.respond(problem, status);
  expect(refused).toHaveLength(1);
  await pass(60_000);
  expect(requests).toHaveLength(1);
});

it("requests again on a refresh, also while a request is running", async () => {
  const { requests } = startPolling();
  let done = false;
  void current.refresh().then(() => (done = true));
  await requests[0]?.respond(LIST); // this request was sent before the refresh
  await pass(0);
  expect(done).toBe(false);
  await requests[1]?.respond(LIST);
  expect(done).toBe(true);
  void current.refresh();
  await pass(0);
  expect(requests).toHaveLength(3);
});

it("pauses while the page is hidden", async () => {
  const { requests } = startPolling();
  await requests[0]?.respond(LIST);
  Object.defineProperty(document, "hidden", { value: true, configurable: true });
  await pass(60_000);
  expect(requests).toHaveLength(1);
  Object.defineProperty(document, "hidden", { value: false, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
  await pass(0);
  expect(requests).toHaveLength(2);
});

it("resolves pending refreshes when it stops", async () => {
  const { requests } = startPolling();
  const refreshed = current.refresh();
  current.stop();
  await pass(0);
  await expect(refreshed).resolves.toBeUndefined();
  expect(requests[0]?.signal.aborted).toBe(true);
  await expect(current.refresh()).resolves.toBeUndefined();
});

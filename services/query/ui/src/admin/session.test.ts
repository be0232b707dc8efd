import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { Problem } from "../api/client";
import { settle } from "../testing";
import { createSession } from "./session";
import { heldAdmin, PROBLEMS } from "./testing";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function session() {
  const tokens: string[] = [];
  const { admin, asked } = heldAdmin();
  const made = createSession((token) => {
    tokens.push(token);
    return admin;
  });
  return { ...made, asked, tokens, its: admin };
}

async function pass(ms: number) {
  await vi.advanceTimersByTimeAsync(ms);
  await settle();
}

it("lets the right token in, as it was pasted", async () => {
  const { admin, asked, checking, doubt, enter, its, tokens } = session();
  void enter(" secret\n");
  expect(tokens).toEqual(["secret"]);
  expect([checking.value, admin.value]).toEqual([true, null]);
  await asked[0]?.answer({ sources: [] });
  expect([checking.value, doubt.value]).toEqual([false, ""]);
  expect(admin.value).toBe(its);
});

it("says that a token is wrong, and takes the next one", async () => {
  const { admin, asked, doubt, enter } = session();
  void enter("wrong");
  await asked[0]?.answer(...PROBLEMS.unauthorized);
  expect([doubt.value, admin.value]).toEqual(["wrong", null]);
  void enter("secret");
  expect(doubt.value).toBe("");
  await asked[1]?.answer({ sources: [] });
  expect(admin.value).not.toBeNull();
});

it.each(["", "two words", "schlüssel"])("asks nobody about %j, which is no token", async (text) => {
  const { asked, doubt, enter } = session();
  await enter(text);
  expect([doubt.value, asked.length]).toEqual(["wrong", 0]);
});

it("is let in without Redis: the token is looked at first", async () => {
  const { admin, asked, enter } = session();
  void enter("secret");
  await asked[0]?.answer(...PROBLEMS.redis);
  expect(admin.value).not.toBeNull();
});

it("waits for a service that is away, and for an admin API that is off", async () => {
  const { admin, asked, doubt, enter, reason } = session();
  void enter("secret");
  await asked[0]?.fail();
  expect(doubt.value).toBe("away");
  expect(reason.value).toBe("The service cannot be reached. Trying again.");
  await pass(3000);
  await asked[1]?.answer(...PROBLEMS.off);
  expect(doubt.value).toBe("off");
  await pass(3000);
  await asked[2]?.answer({ sources: [] });
  expect(doubt.value).toBe("");
  expect(admin.value).not.toBeNull();
});

it("forgets, and says why it asks again", async () => {
  const { admin, asked, doubt, enter, leave, refused } = session();
  void enter("secret");
  await asked[0]?.answer({ sources: [] });
  leave();
  expect([admin.value, doubt.value]).toEqual([null, ""]);
  const wrong = new Problem(new Response(null, { status: 401 }), { code: "unauthorized" });
  refused(wrong);
  expect(doubt.value).toBe("over");
  refused(new Problem(new Response(null, { status: 403 }), { code: "admin-off" }));
  expect(doubt.value).toBe("off");
});

it("drops a check that one has gone away from", async () => {
  const { admin, asked, enter, leave } = session();
  void enter("secret");
  leave();
  expect(asked[0]?.signal.aborted).toBe(true);
  await asked[0]?.answer({ sources: [] });
  expect(admin.value).toBeNull();
});

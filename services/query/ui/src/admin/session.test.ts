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
  const { admin, requests } = heldAdmin();
  const created = createSession((token) => {
    tokens.push(token);
    return admin;
  });
  return { ...created, requests, tokens, client: admin };
}

async function pass(ms: number) {
  await vi.advanceTimersByTimeAsync(ms);
  await settle();
}

it("accepts the right token, also with spaces around it", async () => {
  const { admin, requests, checking, client, problem, signIn, tokens } = session();
  void signIn(" secret\n");
  expect(tokens).toEqual(["secret"]);
  expect([checking.value, admin.value]).toEqual([true, null]);
  await requests[0]?.respond({ sources: [] });
  expect([checking.value, problem.value]).toEqual([false, ""]);
  expect(admin.value).toBe(client);
});

it("reports a wrong token, and accepts another one", async () => {
  const { admin, requests, problem, signIn } = session();
  void signIn("wrong");
  await requests[0]?.respond(...PROBLEMS.unauthorized);
  expect([problem.value, admin.value]).toEqual(["wrong", null]);
  void signIn("secret");
  expect(problem.value).toBe("");
  await requests[1]?.respond({ sources: [] });
  expect(admin.value).not.toBeNull();
});

it.each(["", "two words", "schlüssel"])(
  "sends no request for %j, which cannot be a token",
  async (text) => {
    const { requests, problem, signIn } = session();
    await signIn(text);
    expect([problem.value, requests.length]).toEqual(["wrong", 0]);
  },
);

it("signs in while Redis is unavailable, as the token is checked first", async () => {
  const { admin, requests, signIn } = session();
  void signIn("secret");
  await requests[0]?.respond(...PROBLEMS.redis);
  expect(admin.value).not.toBeNull();
});

it("retries while the service is unreachable or the admin API is off", async () => {
  const { admin, requests, problem, signIn, reason } = session();
  void signIn("secret");
  await requests[0]?.fail();
  expect(problem.value).toBe("unreachable");
  expect(reason.value).toBe("Cannot reach the server. Retrying…");
  await pass(3000);
  await requests[1]?.respond(...PROBLEMS.off);
  expect(problem.value).toBe("off");
  await pass(3000);
  await requests[2]?.respond({ sources: [] });
  expect(problem.value).toBe("");
  expect(admin.value).not.toBeNull();
});

it("forgets, and says why it asks again", async () => {
  const { admin, requests, problem, signIn, signOut, onRefused } = session();
  void signIn("secret");
  await requests[0]?.respond({ sources: [] });
  signOut();
  expect([admin.value, problem.value]).toEqual([null, ""]);
  const wrong = new Problem(new Response(null, { status: 401 }), { code: "unauthorized" });
  onRefused(wrong);
  expect(problem.value).toBe("expired");
  onRefused(new Problem(new Response(null, { status: 403 }), { code: "admin-off" }));
  expect(problem.value).toBe("off");
});

it("aborts the check when the operator leaves", async () => {
  const { admin, requests, signIn, signOut } = session();
  void signIn("secret");
  signOut();
  expect(requests[0]?.signal.aborted).toBe(true);
  await requests[0]?.respond({ sources: [] });
  expect(admin.value).toBeNull();
});

import { describe, expect, it } from "vitest";

import { Problem } from "../api/client";
import { createAdmin, newKey } from "./api";
import { adminErrorMessage, isAdminOff, isTransient, isWrongToken } from "./errors";
import { PROBLEMS } from "./testing";

const never = new AbortController().signal;

function respondingClient(body: unknown, status = 200) {
  const sent: { url: string; init: RequestInit }[] = [];
  const admin = createAdmin("secret", async (url, init = {}) => {
    sent.push({ url: String(url), init });
    return new Response(status === 204 ? null : JSON.stringify(body), { status });
  });
  return { admin, sent };
}

describe("the admin client", () => {
  it("sends its token in a header and nowhere else", async () => {
    const { admin, sent } = respondingClient({ runs: [] });
    await admin.runs(20, "demo", never);
    expect(sent[0]?.url).toBe("/admin/ingest?limit=20&source=demo");
    expect(sent[0]?.init.headers).toEqual({ Authorization: "Bearer secret" });
    expect(JSON.stringify(admin)).not.toContain("secret");
  });

  it("requests a crawl with an idempotency key", async () => {
    const { admin, sent } = respondingClient({ run_id: "1", source: "demo" }, 202);
    await admin.ingest("demo", true, "abc", never);
    expect(sent[0]?.init).toMatchObject({
      method: "POST",
      body: '{"source":"demo","allow_removals":true}',
      headers: { "Content-Type": "application/json", "Idempotency-Key": "abc" },
    });
  });

  it("replays some dead letters, or all", async () => {
    const { admin, sent } = respondingClient({ replayed: 1, refused: [] });
    await admin.replay(["1-0"], never);
    await admin.replay("all", never);
    expect(sent.map(({ init }) => init.body)).toEqual(['{"ids":["1-0"]}', '{"all":true}']);
  });

  it("accepts a response without a body", async () => {
    const { admin, sent } = respondingClient(null, 204);
    await expect(admin.discard("1-0", never)).resolves.toBeUndefined();
    expect(sent[0]).toMatchObject({ url: "/admin/dead-letters/1-0", init: { method: "DELETE" } });
  });

  it("encodes ids in paths", async () => {
    const { admin, sent } = respondingClient({});
    await admin.cancel("a/../b?c", never);
    expect(sent[0]?.url).toBe("/admin/ingest/a%2F..%2Fb%3Fc");
  });

  it("creates unique keys that a header can contain", () => {
    const keys = new Set(Array.from({ length: 50 }, newKey));
    expect(keys.size).toBe(50);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("errors", () => {
  const problem = (name: keyof typeof PROBLEMS) => {
    const [body, status] = PROBLEMS[name];
    return new Problem(new Response(null, { status }), { ...body });
  };

  it("are classified", () => {
    expect(isWrongToken(problem("unauthorized"))).toBe(true);
    expect(isAdminOff(problem("off"))).toBe(true);
    expect(isAdminOff(problem("unauthorized"))).toBe(false);
    expect(isTransient(problem("redis"))).toBe(true);
    expect(isTransient(problem("busy"))).toBe(false);
    expect(isTransient(new TypeError("Failed to fetch"))).toBe(true);
    expect(isTransient(new DOMException("late", "TimeoutError"))).toBe(true);
    expect(isTransient(new Error("a bug of this page"))).toBe(false);
  });

  it("are explained in sentences", () => {
    const detailed = new Problem(new Response(null, { status: 409 }), {
      title: "The run has already ended",
      detail: "It is searchable.",
    });
    expect(adminErrorMessage(detailed)).toBe("The run has already ended. It is searchable.");
    expect(adminErrorMessage(problem("redis"))).toBe("Redis cannot be reached.");
    expect(adminErrorMessage(new TypeError("Failed to fetch"))).toBe("Cannot reach the server.");
    expect(adminErrorMessage(new DOMException("late", "TimeoutError"))).toMatch(/in time/);
    expect(adminErrorMessage(new Error("secret"))).toBe(
      "An unexpected error occurred on this page. Reload it and try again.",
    );
  });
});

import { describe, expect, it } from "vitest";

import { Problem } from "../api/client";
import { createAdmin, newKey } from "./api";
import { isOff, isWrongToken, passes, reasonFor } from "./faults";
import { PROBLEMS } from "./testing";

const never = new AbortController().signal;

function answering(body: unknown, status = 200) {
  const sent: { url: string; init: RequestInit }[] = [];
  const admin = createAdmin("secret", async (url, init = {}) => {
    sent.push({ url: String(url), init });
    return new Response(status === 204 ? null : JSON.stringify(body), { status });
  });
  return { admin, sent };
}

describe("the admin client", () => {
  it("shows its token in a header and nowhere else", async () => {
    const { admin, sent } = answering({ runs: [] });
    await admin.runs(20, "demo", never);
    expect(sent[0]?.url).toBe("/admin/ingest?limit=20&source=demo");
    expect(sent[0]?.init.headers).toEqual({ Authorization: "Bearer secret" });
    expect(JSON.stringify(admin)).not.toContain("secret");
  });

  it("asks for a crawl with a key", async () => {
    const { admin, sent } = answering({ run_id: "1", source: "demo" }, 202);
    await admin.ingest("demo", true, "abc", never);
    expect(sent[0]?.init).toMatchObject({
      method: "POST",
      body: '{"source":"demo","allow_removals":true}',
      headers: { "Content-Type": "application/json", "Idempotency-Key": "abc" },
    });
  });

  it("replays some letters, or all", async () => {
    const { admin, sent } = answering({ replayed: 1, refused: [] });
    await admin.replay(["1-0"], never);
    await admin.replay("all", never);
    expect(sent.map(({ init }) => init.body)).toEqual(['{"ids":["1-0"]}', '{"all":true}']);
  });

  it("needs no answer's body where there is none", async () => {
    const { admin, sent } = answering(null, 204);
    await expect(admin.discard("1-0", never)).resolves.toBeUndefined();
    expect(sent[0]).toMatchObject({ url: "/admin/dead-letters/1-0", init: { method: "DELETE" } });
  });

  it("keeps an id within its part of the path", async () => {
    const { admin, sent } = answering({});
    await admin.cancel("a/../b?c", never);
    expect(sent[0]?.url).toBe("/admin/ingest/a%2F..%2Fb%3Fc");
  });

  it("has another key for every click, which a header can hold", () => {
    const keys = new Set(Array.from({ length: 50 }, newKey));
    expect(keys.size).toBe(50);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe("faults", () => {
  const problem = (name: keyof typeof PROBLEMS) => {
    const [body, status] = PROBLEMS[name];
    return new Problem(new Response(null, { status }), { ...body });
  };

  it("are told apart", () => {
    expect(isWrongToken(problem("unauthorized"))).toBe(true);
    expect(isOff(problem("off"))).toBe(true);
    expect(isOff(problem("unauthorized"))).toBe(false);
    expect(passes(problem("redis"))).toBe(true);
    expect(passes(problem("busy"))).toBe(false);
    expect(passes(new TypeError("Failed to fetch"))).toBe(true);
    expect(passes(new DOMException("late", "TimeoutError"))).toBe(true);
    expect(passes(new Error("a mistake in this page"))).toBe(false);
  });

  it("are told in sentences", () => {
    const detailed = new Problem(new Response(null, { status: 409 }), {
      title: "The run has already ended",
      detail: "It is searchable.",
    });
    expect(reasonFor(detailed)).toBe("The run has already ended. It is searchable.");
    expect(reasonFor(problem("redis"))).toBe("Redis cannot be reached.");
    expect(reasonFor(new TypeError("Failed to fetch"))).toBe("The service cannot be reached.");
    expect(reasonFor(new DOMException("late", "TimeoutError"))).toMatch(/in time/);
    expect(reasonFor(new Error("secret"))).toBe("Something went wrong on this page.");
  });
});

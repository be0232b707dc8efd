import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { heldClient, settle } from "../testing";
import { Problem } from "./client";
import { complaint, persist, RETRY_MS, wait } from "./persist";

const NOT_READY = { title: "No snapshot is being served yet", status: 503, code: "not-ready" };
const OVERLOADED = { title: "Too many searches are waiting", status: 503, code: "overloaded" };
const never = new AbortController().signal;

describe("the client", () => {
  it("asks as the API wants to be asked", async () => {
    const { client, asked } = heldClient();
    void client.similar("nm:1/2 é", { k: 6, evidence: 0 }, never);
    void client.suggest({ q: "a&b", limit: 6 }, never);
    void client.search({ query: "rain" }, never);
    expect(asked.map(({ url }) => url)).toEqual([
      "/movies/nm%3A1%2F2%20%C3%A9/similar?k=6&evidence=0",
      "/suggest?q=a%26b&limit=6",
      "/search",
    ]);
    expect(asked[2]?.body).toEqual({ query: "rain" });
  });

  it("throws problems as they are, and makes do with what a proxy says", async () => {
    const { client, asked } = heldClient();
    const refused = expect(client.search({ query: "x" }, never)).rejects.toMatchObject({
      code: "invalid-request",
      wanted: ["Something visible is wanted"],
      passes: false,
    });
    const errors = [{ field: "query", message: "Something visible is wanted" }];
    await asked[0]?.answer({ title: "No", code: "invalid-request", errors }, 422);
    await refused;

    const away = expect(client.facets(never)).rejects.toMatchObject({ status: 502, passes: true });
    await asked[1]?.answer("<html>", 502);
    await away;
  });
});

describe("persist", () => {
  const said: string[] = [];
  const say = (text: string) => said.push(text);

  beforeEach(() => {
    vi.useFakeTimers();
    said.length = 0;
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("asks again until there is an answer, and says why it waits", async () => {
    const { client, asked } = heldClient();
    const done = persist((signal) => client.facets(signal), { signal: never, say });
    await asked[0]?.answer(NOT_READY, 503);
    expect(said.at(-1)).toMatch(/index is being built/);
    await vi.advanceTimersByTimeAsync(RETRY_MS[0] as number);
    await asked[1]?.answer(OVERLOADED, 503);
    expect(said.at(-1)).toMatch(/Many people/);
    await vi.advanceTimersByTimeAsync(RETRY_MS[1] as number);
    await asked[2]?.fail();
    expect(said.at(-1)).toMatch(/cannot be reached/);
    await vi.advanceTimersByTimeAsync(RETRY_MS[2] as number);
    await asked[3]?.answer({ movies: 3 });
    await expect(done).resolves.toEqual({ movies: 3 });
    expect(asked).toHaveLength(4);
  });

  it("waits at least as long as the service asks for", async () => {
    const { client, asked } = heldClient();
    void persist((signal) => client.facets(signal), { signal: never, say });
    await asked[0]?.answer(OVERLOADED, 503, { "Retry-After": "7" });
    await vi.advanceTimersByTimeAsync(6999);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(asked).toHaveLength(2);
  });

  it("gives up at once on what waiting does not mend", async () => {
    const { client, asked } = heldClient();
    const done = persist((signal) => client.movie("x", signal), { signal: never, say });
    const refused = expect(done).rejects.toBeInstanceOf(Problem);
    await asked[0]?.answer({ title: "No such movie", code: "unknown-movie" }, 404);
    await refused;
    expect(said).toEqual([]);
  });

  it("ends when it is not wanted any more, even while it waits", async () => {
    const { client, asked } = heldClient();
    const stop = new AbortController();
    const done = persist((signal) => client.facets(signal), { signal: stop.signal, say });
    const ended = expect(done).rejects.toMatchObject({ name: "AbortError" });
    await asked[0]?.answer(NOT_READY, 503);
    stop.abort();
    await ended;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toHaveLength(1);
  });

  it("says when one is offline, and goes on as soon as one is back", async () => {
    vi.stubGlobal("navigator", { onLine: false });
    const { client, asked } = heldClient();
    void persist((signal) => client.facets(signal), { signal: never, say });
    await asked[0]?.fail();
    expect(said).toEqual([expect.stringMatching(/You are offline/)]);
    dispatchEvent(new Event("online"));
    await settle();
    expect(asked).toHaveLength(2);
  });

  it("does not begin to wait for what has ended", async () => {
    await expect(wait(1000, AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("complaint", () => {
  const problem = (code: string, messages: string[] = []) =>
    new Problem(new Response("", { status: 500 }), {
      title: "Something went wrong here",
      code,
      errors: messages.map((message) => ({ field: "", message })),
    });

  it.each([
    [problem("unknown-movie"), "That film is not in the index."],
    [problem("invalid-request", ["This", "That"]), "That cannot be searched for. This. That."],
    [problem("internal-error"), "Something went wrong here. Please try again."],
    [new TypeError("x is undefined"), "Something went wrong on this page. Please try again."],
  ])("%s", (error, said) => {
    expect(complaint(error)).toBe(said);
  });
});

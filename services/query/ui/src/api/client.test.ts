import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { heldClient, settle } from "../testing";
import { Problem } from "./client";
import { errorMessage, retry, RETRY_DELAYS_MS, wait } from "./retry";

const NOT_READY = { title: "No snapshot is being served yet", status: 503, code: "not-ready" };
const OVERLOADED = { title: "Too many searches are waiting", status: 503, code: "overloaded" };
const never = new AbortController().signal;

describe("the client", () => {
  it("encodes paths, query parameters and bodies", async () => {
    const { client, requests } = heldClient();
    void client.similar("nm:1/2 é", { k: 6, evidence: 0 }, never);
    void client.suggest({ q: "a&b", limit: 6 }, never);
    void client.search({ query: "rain" }, never);
    expect(requests.map(({ url }) => url)).toEqual([
      "/movies/nm%3A1%2F2%20%C3%A9/similar?k=6&evidence=0",
      "/suggest?q=a%26b&limit=6",
      "/search",
    ]);
    expect(requests[2]?.body).toEqual({ query: "rain" });
  });

  it("throws a Problem for an error of the service, and for one of a proxy", async () => {
    const { client, requests } = heldClient();
    const refused = expect(client.search({ query: "x" }, never)).rejects.toMatchObject({
      code: "invalid-request",
      fieldErrors: ["Must contain at least one visible character"],
      isTransient: false,
    });
    const errors = [{ field: "query", message: "Must contain at least one visible character" }];
    await requests[0]?.respond({ title: "No", code: "invalid-request", errors }, 422);
    await refused;

    const unavailable = expect(client.facets(never)).rejects.toMatchObject({
      status: 502,
      isTransient: true,
    });
    await requests[1]?.respond("<html>", 502);
    await unavailable;
  });
});

describe("retry", () => {
  const reasons: string[] = [];
  const onWait = (reason: string) => reasons.push(reason);

  beforeEach(() => {
    vi.useFakeTimers();
    reasons.length = 0;
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("repeats the request until it succeeds, and reports why it waits", async () => {
    const { client, requests } = heldClient();
    const done = retry((signal) => client.facets(signal), { signal: never, onWait });
    await requests[0]?.respond(NOT_READY, 503);
    expect(reasons.at(-1)).toMatch(/Nothing can be searched yet/);
    await vi.advanceTimersByTimeAsync(RETRY_DELAYS_MS[0] as number);
    await requests[1]?.respond(OVERLOADED, 503);
    expect(reasons.at(-1)).toBe("The server is busy. Retrying…");
    await vi.advanceTimersByTimeAsync(RETRY_DELAYS_MS[1] as number);
    await requests[2]?.respond("<html>", 502);
    expect(reasons.at(-1)).toBe("The server is temporarily unavailable. Retrying…");
    await vi.advanceTimersByTimeAsync(RETRY_DELAYS_MS[2] as number);
    await requests[3]?.fail();
    expect(reasons.at(-1)).toBe("Cannot reach the server. Retrying…");
    await vi.advanceTimersByTimeAsync(RETRY_DELAYS_MS[3] as number);
    await requests[4]?.respond({ movies: 3 });
    await expect(done).resolves.toEqual({ movies: 3 });
    expect(requests).toHaveLength(5);
  });

  it("waits at least as long as Retry-After says", async () => {
    const { client, requests } = heldClient();
    void retry((signal) => client.facets(signal), { signal: never, onWait });
    await requests[0]?.respond(OVERLOADED, 503, { "Retry-After": "7" });
    await vi.advanceTimersByTimeAsync(6999);
    expect(requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(requests).toHaveLength(2);
  });

  it("does not repeat a request whose error is permanent", async () => {
    const { client, requests } = heldClient();
    const done = retry((signal) => client.movie("x", signal), { signal: never, onWait });
    const refused = expect(done).rejects.toBeInstanceOf(Problem);
    await requests[0]?.respond({ title: "No such movie", code: "unknown-movie" }, 404);
    await refused;
    expect(reasons).toEqual([]);
  });

  it("ends when aborted, also while it waits", async () => {
    const { client, requests } = heldClient();
    const controller = new AbortController();
    const done = retry((signal) => client.facets(signal), { signal: controller.signal, onWait });
    const ended = expect(done).rejects.toMatchObject({ name: "AbortError" });
    await requests[0]?.respond(NOT_READY, 503);
    controller.abort();
    await ended;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(requests).toHaveLength(1);
  });

  it("reports being offline, and continues as soon as the network is back", async () => {
    vi.stubGlobal("navigator", { onLine: false });
    const { client, requests } = heldClient();
    void retry((signal) => client.facets(signal), { signal: never, onWait });
    await requests[0]?.fail();
    expect(reasons).toEqual([
      "You are offline. This page continues automatically once you reconnect.",
    ]);
    dispatchEvent(new Event("online"));
    await settle();
    expect(requests).toHaveLength(2);
  });

  it("does not wait on a signal that is already aborted", async () => {
    await expect(wait(1000, AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("the message for an error that waiting cannot fix", () => {
  const problem = (code: string, messages: string[] = []) =>
    new Problem(new Response("", { status: 500 }), {
      title: "Something went wrong here",
      code,
      errors: messages.map((message) => ({ field: "", message })),
    });

  it.each([
    [problem("unknown-movie"), "This movie is not in the index."],
    [problem("invalid-request", ["This", "That"]), "This search is not valid. This. That."],
    [problem("internal-error"), "Something went wrong here. Please try again."],
    [
      new TypeError("x is undefined"),
      "An unexpected error occurred on this page. Reload it and try again.",
    ],
  ])("%s", (error, text) => {
    expect(errorMessage(error)).toBe(text);
  });
});

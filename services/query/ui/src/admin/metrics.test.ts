import { describe, expect, it } from "vitest";

import { figuresOf, parseMetrics, quantile } from "./metrics";

const TEXT = `# HELP movie_search_http_requests_total Requests answered.
# TYPE movie_search_http_requests_total counter
movie_search_http_requests_total{method="POST",route="/search",status="200"} 40.0
movie_search_http_requests_total{method="GET",route="/search",status="200"} 2.0
movie_search_http_requests_total{method="POST",route="/search",status="503"} 3.0
movie_search_http_requests_total{method="GET",route="/movies/{movie_id}",status="500"} 1.0
movie_search_http_request_seconds_bucket{le="0.01",route="/search"} 50.0
movie_search_http_request_seconds_bucket{le="0.1",route="/search"} 100.0
movie_search_http_request_seconds_bucket{le="+Inf",route="/search"} 100.0
movie_search_http_request_seconds_bucket{le="+Inf",route="/readyz"} 900.0
movie_search_refused_total{reason="full"} 3.0
process_resident_memory_bytes 2.31e+08
says{what="a \\"quoted\\" one, with a comma"} 1
nonsense
`;

const samples = parseMetrics(TEXT);

it("parses the samples and skips invalid lines", () => {
  expect(samples).toHaveLength(11);
  expect(samples.at(-1)).toEqual({
    name: "says",
    labels: { what: 'a \\"quoted\\" one, with a comma' },
    value: 1,
  });
  expect(samples.at(-2)?.value).toBe(2.31e8);
});

describe("quantile", () => {
  const name = "movie_search_http_request_seconds";

  it("is interpolated between two bounds", () => {
    expect(quantile(samples, name, 0.5, /^\/search/)).toBeCloseTo(0.01);
    expect(quantile(samples, name, 0.95, /^\/search/)).toBeCloseTo(0.091);
  });

  it("is the last finite bound in the open bucket, and null without observations", () => {
    expect(quantile(samples, name, 0.5, /readyz/)).toBe(0);
    expect(quantile(samples, name, 0.5, /nothing/)).toBeNull();
  });
});

it("lists a few figures", () => {
  expect(figuresOf(samples)).toEqual([
    ["Searches", "42"],
    ["Latency (p95)", "91 ms"],
    ["Rejected (busy)", "3"],
    ["Server errors", "1"],
    ["Memory", "231 MB"],
  ]);
});

it("lists the figures of a service without requests", () => {
  expect(figuresOf([])).toEqual([
    ["Searches", "0"],
    ["Rejected (busy)", "0"],
    ["Server errors", "0"],
  ]);
});

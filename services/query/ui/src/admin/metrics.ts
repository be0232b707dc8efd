// A few figures from the service's Prometheus metrics.

import { duration, fileSize } from "./format";

export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Parse the Prometheus text format; invalid lines are skipped. */
export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const [, name, labels, number] = LINE.exec(line) ?? [];
    const value = number === "+Inf" ? Infinity : Number(number);
    if (name === undefined || Number.isNaN(value)) continue;
    const pairs = [...(labels ?? "").matchAll(LABEL)];
    samples.push({
      name,
      labels: Object.fromEntries(pairs.map(([, key, text]) => [key ?? "", text ?? ""])),
      value,
    });
  }
  return samples;
}

/** A quantile of a histogram, interpolated within its bucket; null without observations. */
export function quantile(
  samples: readonly Sample[],
  name: string,
  fraction: number,
  route: RegExp,
): number | null {
  const buckets = new Map<number, number>();
  for (const sample of samples) {
    if (sample.name !== `${name}_bucket` || !route.test(sample.labels["route"] ?? "")) continue;
    const bound = sample.labels["le"] === "+Inf" ? Infinity : Number(sample.labels["le"]);
    buckets.set(bound, (buckets.get(bound) ?? 0) + sample.value);
  }
  const bounds = [...buckets].sort(([one], [other]) => one - other);
  const all = bounds.at(-1)?.[1] ?? 0;
  if (all === 0) return null;
  const target = fraction * all;
  let [lower, below] = [0, 0];
  for (const [bound, count] of bounds) {
    if (count >= target) {
      if (bound === Infinity) return lower;
      return lower + ((bound - lower) * (target - below)) / (count - below);
    }
    [lower, below] = [bound, count];
  }
  return lower;
}

const SEARCH = /^\/search/;

/** Figures of the query service as names and values. */
export function figuresOf(samples: readonly Sample[]): [string, string][] {
  const sum = (name: string, which: (labels: Sample["labels"]) => boolean = () => true) =>
    samples
      .filter((sample) => sample.name === name && which(sample.labels))
      .reduce((total, sample) => total + sample.value, 0);
  const requests = "movie_search_http_requests_total";
  const searches = sum(
    requests,
    ({ route, status }) => SEARCH.test(route ?? "") && status === "200",
  );
  const errors = sum(requests, ({ status }) => status === "500");
  const rows: [string, string][] = [["Searches", searches.toLocaleString()]];
  const slow = quantile(samples, "movie_search_http_request_seconds", 0.95, SEARCH);
  if (slow !== null) rows.push(["Latency (p95)", duration(slow)]);
  rows.push(["Rejected (busy)", sum("movie_search_refused_total").toLocaleString()]);
  rows.push(["Server errors", errors.toLocaleString()]);
  const memory =
    sum("process_resident_memory_bytes") + sum("movie_search_worker_resident_memory_bytes");
  if (memory) rows.push(["Memory", fileSize(memory)]);
  return rows;
}

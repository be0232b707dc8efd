// A few figures out of what the service tells Prometheus.

import { duration, size } from "./words";

export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** The samples of Prometheus's text format; what cannot be read is left out. */
export function parseMetrics(text: string): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const [, name, labels, number] = LINE.exec(line) ?? [];
    const value = number === "+Inf" ? Infinity : Number(number);
    if (name === undefined || Number.isNaN(value)) continue;
    const found = [...(labels ?? "").matchAll(LABEL)];
    samples.push({
      name,
      labels: Object.fromEntries(found.map(([, key, said]) => [key ?? "", said ?? ""])),
      value,
    });
  }
  return samples;
}

/** The value below which a part of a histogram's observations lie; null: there are none. */
export function quantile(
  samples: readonly Sample[],
  name: string,
  part: number,
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
  const wanted = part * all;
  let [lower, below] = [0, 0];
  for (const [bound, count] of bounds) {
    if (count >= wanted) {
      if (bound === Infinity) return lower;
      return lower + ((bound - lower) * (wanted - below)) / (count - below);
    }
    [lower, below] = [bound, count];
  }
  return lower;
}

const SEARCH = /^\/search/;

/** What there is to tell of the query service, by name. */
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
  const faults = sum(requests, ({ status }) => status === "500");
  const told: [string, string][] = [["Searches answered", searches.toLocaleString()]];
  const slow = quantile(samples, "movie_search_http_request_seconds", 0.95, SEARCH);
  if (slow !== null) told.push(["95% within", duration(slow)]);
  told.push(["Refused, too busy", sum("movie_search_refused_total").toLocaleString()]);
  told.push(["Faults", faults.toLocaleString()]);
  const memory =
    sum("process_resident_memory_bytes") + sum("movie_search_worker_resident_memory_bytes");
  if (memory) told.push(["Memory", size(memory)]);
  return told;
}

// The names of clusters and movies. Pure.

import type { MovieMap } from "../api/client";

export type Cluster = MovieMap["clusters"][number];

export function clusterName({ words, number }: Cluster): string {
  return words.length ? words.join(", ") : `Cluster ${number + 1}`;
}

export function movieName(title: string, year: number | null): string {
  return year === null ? title : `${title} (${year})`;
}

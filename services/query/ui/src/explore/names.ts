// What clusters and films are called. Pure.

import type { FilmMap } from "../api/client";

export type Cluster = FilmMap["clusters"][number];

export function clusterName({ words, number }: Cluster): string {
  return words.length ? words.join(", ") : `Group ${number + 1}`;
}

export function filmName(title: string, year: number | null): string {
  return year === null ? title : `${title} (${year})`;
}

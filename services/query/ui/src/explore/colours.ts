// The colours of clusters, by number, in the light and the dark theme. A cluster keeps its number, and
// with it its colour, from one snapshot to the next.

const LIGHT = [
  "#3a6db5", "#c46a12", "#2f8a4a", "#bb2f42", "#7352b0", "#80583a", "#c0529a", "#5f6a75",
  "#8c8612", "#1b8fa0", "#243f6e", "#b98a00", "#587a1a", "#d1543c", "#4a3a78",
]; // prettier-ignore
const DARK = [
  "#7fb0f5", "#f2a65a", "#6fce8b", "#f2798a", "#b79cf0", "#c9a083", "#f09bd0", "#a9b5c0",
  "#d4cd58", "#5fd0e0", "#8aa4e0", "#ffd257", "#a6cf5e", "#ff9d85", "#9d8fd8",
]; // prettier-ignore

export const CLUSTER_COLOURS = LIGHT.length;

export function colourOf(cluster: number, dark: boolean): string {
  const colours = dark ? DARK : LIGHT;
  return colours[cluster % colours.length] ?? "#888";
}

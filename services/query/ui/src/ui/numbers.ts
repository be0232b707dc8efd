/** A rating or similar number with one decimal, in the reader's locale. */
export function decimal(value: number): string {
  return value.toLocaleString(undefined, { maximumFractionDigits: 1 });
}

/** A count with its noun: "1 review", "2 reviews". */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString()} ${noun}${count === 1 ? "" : "s"}`;
}

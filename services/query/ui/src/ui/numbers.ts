/** A rating or the like, to one decimal, as the reader writes numbers. */
export function decimal(value: number): string {
  return value.toLocaleString(undefined, { maximumFractionDigits: 1 });
}

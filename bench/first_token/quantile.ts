/** The value that a share `q` of the values is at most; throws on none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)];
  if (value === undefined) throw new Error("There is nothing to take a quantile of");
  return value;
}

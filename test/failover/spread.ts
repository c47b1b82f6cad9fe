/** Several measurements of one thing, milliseconds. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly p90: number;
  readonly max: number;
}

/** The spread of at least one value, rounded to whole milliseconds. */
export function spreadOf(values: readonly number[]): Spread {
  const ascending = values.toSorted((a, b) => a - b);
  const at = (share: number): number => {
    const value = ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))];
    if (value === undefined) throw new Error("a spread of no values");
    return Math.round(value);
  };
  return { min: at(0), median: at(0.5), p90: at(0.9), max: at(1) };
}

/** One figure of several runs. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** What is to be reached, if anything was said. */
  readonly target?: number;
  /** Whether a higher value is better. */
  readonly isRate: boolean;
  readonly values: readonly number[];
}

/** The middle one; of an even number the higher of the two. */
export function median(values: readonly number[]): number {
  const ascending = values.toSorted((a, b) => a - b);
  return ascending[Math.floor(ascending.length / 2)] ?? Number.NaN;
}

/** A value as people read it. */
export function shown(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}

/** The figures as a Markdown table. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, unit, target, isRate, values }) => {
    const middle = median(values);
    const spread = `${shown(Math.min(...values))} – ${shown(Math.max(...values))}`;
    const reached = target === undefined ? "" : isRate ? middle >= target : middle <= target;
    const verdict = reached === "" ? "" : `${shown(target ?? 0)} ${reached ? "✓" : "✗"}`;
    return `| ${name} | ${shown(middle)} | ${spread} | ${unit} | ${verdict} |`;
  });
  return [
    "| figure | median | spread | unit | to reach |",
    "| --- | ---: | ---: | --- | ---: |",
    ...rows,
    "",
  ].join("\n");
}

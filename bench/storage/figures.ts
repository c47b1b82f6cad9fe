/** Times in ms, and what part of them was below a value. */
export class Latencies {
  #times: number[] = [];
  #isSorted = true;

  add(durationMs: number): void {
    this.#times.push(durationMs);
    this.#isSorted = false;
  }

  get count(): number {
    return this.#times.length;
  }

  /** The time that a share of all stayed below. */
  at(share: number): number {
    if (!this.#isSorted) this.#times = this.#times.toSorted((a, b) => a - b);
    this.#isSorted = true;
    const index = Math.min(this.#times.length - 1, Math.floor(this.#times.length * share));
    return this.#times[index] ?? Number.NaN;
  }
}

/** The middle one of several figures. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

/** A whole number with separators. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

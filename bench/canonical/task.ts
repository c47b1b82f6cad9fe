/** What one load process does and where. Crosses to the process as JSON. */
export type Task =
  | {
      readonly kind: "produce" | "replay";
      readonly brokers: readonly string[];
      readonly topic: string;
      readonly valueBytes: number;
      /** Bytes of values to send; a replay reads what is there. */
      readonly totalBytes: number;
      /** The same before the clock runs, to another topic. */
      readonly warmBytes: number;
    }
  | {
      readonly kind: "latency";
      readonly brokers: readonly string[];
      readonly topic: string;
      readonly valueBytes: number;
      readonly recordsPerSecond: number;
      readonly seconds: number;
    };

/** What a load process measured. */
export type TaskResult =
  | {
      readonly kind: "rate";
      readonly recordCount: number;
      readonly payloadBytes: number;
      readonly elapsedMs: number;
      /** Processor time of the load process within `elapsedMs`. */
      readonly clientCpuSeconds: number;
    }
  | {
      readonly kind: "latency";
      /** From the call of `send` to its result. */
      readonly acknowledgedMs: Percentiles;
      /** From the call of `send` until the loop of a consumer has the record. */
      readonly endToEndMs: Percentiles;
    };

/** Milliseconds. */
export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** The percentiles of at least one value. */
export function percentilesOf(values: readonly number[]): Percentiles {
  const ascending = values.toSorted((a, b) => a - b);
  const at = (share: number): number => {
    const value = ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))];
    if (value === undefined) throw new Error("percentiles of no values");
    return Math.round(value * 1000) / 1000;
  };
  return { count: values.length, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}

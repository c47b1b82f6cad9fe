import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** Latencies in milliseconds. */
export interface LatencyFigures {
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Collects latencies in bounded memory, to three significant digits. */
export class LatencyRecorder {
  readonly #histogram: RecordableHistogram = createHistogram({ figures: 3 });

  record(latencyMs: number): void {
    // Microseconds; the histogram takes nothing below one.
    this.#histogram.record(Math.max(1, Math.round(latencyMs * 1000)));
  }

  get count(): number {
    return this.#histogram.count;
  }

  figures(): LatencyFigures {
    const at = (percent: number): number => this.#histogram.percentile(percent) / 1000;
    const maxMs = this.count === 0 ? 0 : this.#histogram.max / 1000;
    return { p50Ms: at(50), p90Ms: at(90), p99Ms: at(99), maxMs };
  }
}

/** Latencies as cells of a table. */
export function latencyCells({ p50Ms, p90Ms, p99Ms, maxMs }: LatencyFigures): readonly string[] {
  return [p50Ms, p90Ms, p99Ms, maxMs].map((ms) => ms.toFixed(2));
}

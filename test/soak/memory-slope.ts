/** Resident memory of one process at one time. */
export interface MemorySample {
  readonly minutes: number;
  readonly residentMiB: number;
}

/** How memory moved over the samples after a warm-up. */
export interface MemoryTrend {
  /** Least-squares slope. */
  readonly mibPerHour: number;
  /** Mean of the last quarter over the mean of the first quarter. */
  readonly ratio: number;
  readonly maxMiB: number;
}

/** The trend of samples in order of time; flat when there are too few to tell. */
export function memoryTrend(samples: readonly MemorySample[]): MemoryTrend {
  const maxMiB = Math.max(0, ...samples.map((sample) => sample.residentMiB));
  if (samples.length < 4) return { mibPerHour: 0, ratio: 1, maxMiB };
  const meanX = mean(samples.map((sample) => sample.minutes));
  const meanY = mean(samples.map((sample) => sample.residentMiB));
  let [covariance, variance] = [0, 0];
  for (const { minutes, residentMiB } of samples) {
    covariance += (minutes - meanX) * (residentMiB - meanY);
    variance += (minutes - meanX) ** 2;
  }
  const quarter = Math.floor(samples.length / 4);
  const first = mean(samples.slice(0, quarter).map((sample) => sample.residentMiB));
  const last = mean(samples.slice(-quarter).map((sample) => sample.residentMiB));
  const mibPerHour = variance === 0 ? 0 : (covariance / variance) * 60;
  return { mibPerHour, ratio: last / first, maxMiB };
}

/** Whether memory that moved like this is bounded: within a tenth, or a slope of no weight. */
export function isFlat(trend: MemoryTrend): boolean {
  return trend.ratio <= 1.1 || trend.mibPerHour <= 8;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

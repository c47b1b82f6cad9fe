/** A number with commas: 12,345. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** A time between two moments, for people: 850 ms, 1.2 s. */
export function formatDuration(durationMs: number): string {
  return durationMs < 1000 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1000).toFixed(1)} s`;
}

/** A rate a second, for people: 12,345/s. */
export function formatRate(count: number, durationMs: number): string {
  return `${formatCount((count * 1000) / Math.max(1, durationMs))}/s`;
}

/** A number of bytes, for people: 1.5 MiB. */
export function formatBytes(sizeBytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

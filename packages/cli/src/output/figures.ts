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

const BAR_COLUMNS = 30;

/** How much of long work is done, for a line of progress: a bar, a share and the counts. */
export function progressBar(done: number, total: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(share * BAR_COLUMNS);
  const bar = "#".repeat(filled).padEnd(BAR_COLUMNS, ".");
  const percent = `${Math.floor(share * 100)}`.padStart(3);
  return `[${bar}] ${percent}%  ${formatCount(done)} of ${formatCount(total)}`;
}

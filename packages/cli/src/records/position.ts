/** A place in a topic as people write it. */
export type Position =
  | { readonly kind: "earliest" }
  | { readonly kind: "latest" }
  | { readonly kind: "offset"; readonly offset: bigint }
  /** So many records before the end of each partition. */
  | { readonly kind: "last"; readonly count: bigint }
  | { readonly kind: "time"; readonly timestampMs: number };

/**
 * How a position is written, for help texts. `earliest` and `latest`, as Kafka has it, are the same
 * as start and end; a time without a zone is local; milliseconds since 1970 are a time too.
 */
export const POSITION_HELP =
  "start, end, an offset, -10 (the last ten of each partition), or @time (@2026-01-31T12:00, @-1h)";

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function parseTime(text: string, nowMs: number): number | undefined {
  const ago = /^-(\d{1,9})([smhd])$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * (UNIT_MS[ago[2] ?? ""] ?? 0);
  if (/^\d{1,15}$/.test(text)) return Number(text);
  const timestampMs = Date.parse(text);
  return Number.isNaN(timestampMs) ? undefined : timestampMs;
}

/** Reads a position; undefined when the text is none. `nowMs` is what `@-1h` counts back from. */
export function parsePosition(text: string, nowMs: number): Position | undefined {
  if (text === "earliest" || text === "start") return { kind: "earliest" };
  if (text === "latest" || text === "end") return { kind: "latest" };
  if (/^\d{1,16}$/.test(text)) return { kind: "offset", offset: BigInt(text) };
  if (/^-\d{1,15}$/.test(text)) return { kind: "last", count: BigInt(text.slice(1)) };
  if (!text.startsWith("@")) return undefined;
  const timestampMs = parseTime(text.slice(1), nowMs);
  return timestampMs === undefined ? undefined : { kind: "time", timestampMs };
}

const DIGITS = 20;
const GROUP_DIRECTORY = /^(\d+)-(\d+)$/;
const SEGMENT_FILE = /^(\d{20})\.(seg|idx)$/;
const WAL_FILE = /^(\d{20})\.wal$/;

/**
 * Name of a group's directory: `<group>-<replica epoch>`, so that a replica that comes again has
 * new files.
 */
export function groupDirectoryName(group: number, replicaEpoch: number): string {
  return `${group}-${replicaEpoch}`;
}

/** What a directory name says, or undefined for another kind of directory. */
export function parseGroupDirectoryName(
  name: string,
): { readonly group: number; readonly replicaEpoch: number } | undefined {
  const match = GROUP_DIRECTORY.exec(name);
  if (match === null) return undefined;
  return { group: Number(match[1]), replicaEpoch: Number(match[2]) };
}

/** Name of a segment's file (`seg`) or of its index (`idx`). */
export function segmentFileName(baseIndex: number, kind: "seg" | "idx"): string {
  return `${String(baseIndex).padStart(DIGITS, "0")}.${kind}`;
}

/** What a file name in a group's directory says, or undefined for another kind of file. */
export function parseSegmentFileName(
  name: string,
): { readonly baseIndex: number; readonly kind: "seg" | "idx" } | undefined {
  const match = SEGMENT_FILE.exec(name);
  if (match === null) return undefined;
  return { baseIndex: Number(match[1]), kind: match[2] === "seg" ? "seg" : "idx" };
}

/** Name of a WAL file: its life number. */
export function walFileName(life: number): string {
  return `${String(life).padStart(DIGITS, "0")}.wal`;
}

/** The life number in a WAL file's name, or undefined for another kind of file. */
export function parseWalFileName(name: string): number | undefined {
  const match = WAL_FILE.exec(name);
  return match === null ? undefined : Number(match[1]);
}

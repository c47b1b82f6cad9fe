import { ByteCursor, FormatError } from "./byte-cursor.ts";

/** The files that a manifest names. */
export interface LevelFiles {
  readonly tables: ReadonlySet<number>;
  /** Write-ahead logs below this number are not read any more, but for `previousLog`. */
  readonly log: number;
  readonly previousLog: number;
}

const TAGS = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLog: 9,
} as const;

/** Replays the edits of a manifest. Throws FormatError when one is not in LevelDB's format. */
export function liveFiles(edits: readonly Uint8Array[]): LevelFiles {
  const tables = new Set<number>();
  let log = 0;
  let previousLog = 0;
  for (const edit of edits) {
    const cursor = new ByteCursor(edit);
    while (!cursor.isAtEnd) {
      const tag = cursor.varint();
      switch (tag) {
        case TAGS.comparator:
          cursor.text();
          break;
        case TAGS.logNumber:
          log = cursor.varint();
          break;
        case TAGS.previousLog:
          previousLog = cursor.varint();
          break;
        case TAGS.nextFile:
        case TAGS.lastSequence:
          cursor.varint();
          break;
        case TAGS.compactPointer:
          cursor.varint();
          cursor.text();
          break;
        case TAGS.deletedFile:
          cursor.varint();
          tables.delete(cursor.varint());
          break;
        case TAGS.newFile:
          cursor.varint();
          tables.add(cursor.varint());
          cursor.varint();
          cursor.text();
          cursor.text();
          break;
        default:
          throw new FormatError(`an edit has the unknown tag ${tag}`);
      }
    }
  }
  return { tables, log, previousLog };
}

import { encodeUtf8 } from "@stratalog/base";
import type { FileEvent } from "./file-event.ts";

/** What the tree must be after the first `endSeq` events, in the text form of `formatTree`. */
export interface TreeMark {
  readonly endSeq: number;
  readonly tree: string;
  /** Who says so, for people. */
  readonly source: string;
}

/** File changes of one repository and what they must add up to. */
export interface History {
  /** Where the events come from, for people. */
  readonly source: string;
  readonly name: string;
  readonly events: readonly FileEvent[];
  readonly marks: readonly TreeMark[];
}

/** The key of an event's record: all events of one path are in one partition, in their order. */
export function keyOf(event: FileEvent): Uint8Array {
  return encodeUtf8(event.path);
}

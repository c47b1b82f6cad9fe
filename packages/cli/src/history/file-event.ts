import { assert, CodedError, decodeJson, encodeJson, shape } from "@stratalog/base";

/** What happened to a file of a repository in one commit. */
export const FILE_EVENT_TYPES = ["FileAdded", "FileModified", "FileDeleted"] as const;

/**
 * One file change of a repository's main line. Events of a history are numbered by `seq` from 0
 * without gaps, oldest first. A deletion has neither mode nor blob.
 */
export interface FileEvent {
  readonly seq: number;
  readonly type: (typeof FILE_EVENT_TYPES)[number];
  readonly repo: string;
  readonly commit: string;
  /** Time of the commit, milliseconds since 1970. */
  readonly time: number;
  readonly path: string;
  readonly mode?: string;
  readonly blob?: string;
}

const fileEvent = shape.object({
  seq: shape.integer(0),
  type: shape.oneOf(FILE_EVENT_TYPES),
  repo: shape.text,
  commit: shape.text,
  time: shape.integer(0),
  path: shape.text,
  mode: shape.optional(shape.text),
  blob: shape.optional(shape.text),
});

/** The event as a record's value: one line of JSON. */
export function encodeFileEvent(event: FileEvent): Uint8Array {
  return encodeJson(event);
}

/** Reads a record's value or a line of a file. Errors: SERDE_FAILED with what is wrong. */
export function decodeFileEvent(value: Uint8Array): FileEvent {
  const decoded = decodeJson(value, fileEvent);
  if (!decoded.ok) {
    throw new CodedError("SERDE_FAILED", `not a file event: ${decoded.reason}`);
  }
  const event = decoded.value;
  const isWhole = event.mode !== undefined && event.blob !== undefined;
  if (event.type !== "FileDeleted" && !isWhole) {
    throw new CodedError("SERDE_FAILED", `not a file event: ${event.type} without mode or blob`);
  }
  return event;
}

/** Mode and blob of an added or modified file. */
export function contentOf(event: FileEvent): { readonly mode: string; readonly blob: string } {
  const { mode, blob } = event;
  assert(mode !== undefined && blob !== undefined, `${event.type} has mode and blob`);
  return { mode, blob };
}

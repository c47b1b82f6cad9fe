/** A named value beside a record's own; names may repeat, order is kept. */
export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** A record to encode. `timestampMs` is milliseconds since 1970, a whole number. */
export interface RecordInput {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: readonly RecordHeader[];
  readonly timestampMs: number;
}

/**
 * A decoded record. Keys and values are views of the batch's bytes: keep a copy, not a view, of
 * what must last.
 */
export interface RecordView {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

/** Why a batch was refused. */
export interface BatchFailure {
  readonly ok: false;
  readonly code:
    | "CORRUPT_BATCH"
    | "MESSAGE_TOO_LARGE"
    | "UNSUPPORTED_COMPRESSION"
    | "INVALID_REQUEST";
  readonly message: string;
}

/** A refusal as a value. */
export function batchFailure(code: BatchFailure["code"], message: string): BatchFailure {
  return { ok: false, code, message };
}

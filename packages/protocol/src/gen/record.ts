// Generated from proto/stratalog/v1/record.proto by scripts/generate.ts.
// Do not edit; a test compares.

/** A named value beside a record. Names may repeat; their order is kept. */
export interface WireHeader {
  /** Name, UTF-8, at most 1,024 bytes; may be empty. */
  readonly key: string;
  /** Value; absent is null, which is not the same as empty. At most 64 KiB. */
  readonly value?: Uint8Array;
}

/** One record in structured form, for callers that do not speak RecordBatch v2. */
export interface WireRecord {
  /** Offset in its partition. Set by the broker in answers; ignored in requests. */
  readonly offset: number;
  /**
   * Milliseconds since 1970, by the producer's clock, 0 to 2^51. Absent in a request: the broker's
   * clock when it builds the batch.
   */
  readonly timestampMs?: number;
  /** Key; absent is null, which is not the same as empty. At most 64 KiB. */
  readonly key?: Uint8Array;
  /**
   * Value; absent is null. Bounded by the topic's max.message.bytes together with the rest of its
   * batch.
   */
  readonly value?: Uint8Array;
  /** Headers in order. At most 64. */
  readonly headers: readonly WireHeader[];
}

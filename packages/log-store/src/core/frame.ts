/**
 * One Raft entry as it is stored and sent: a 40-byte header and a payload, the same bytes on the
 * wire between brokers, in the write-ahead log and in a segment.
 *
 * Invariants: `span` is 0 unless `kind` is "data"; the next frame's `baseOffset` is this one's plus
 * `span`; the bytes are never changed after the frame was appended.
 */
export interface Frame {
  readonly kind: FrameKind;
  readonly term: number;
  readonly index: number;
  /**
   * Offset of the first record for data; the offset that the next record will take for everything
   * else.
   */
  readonly baseOffset: number;
  /** Number of user offsets that the entry takes. */
  readonly span: number;
  readonly payload: Uint8Array;
  /** Header and payload together. */
  readonly byteLength: number;
}

/**
 * data: a record batch; noop: what a new leader appends; config: a membership change; command: a
 * state machine's.
 */
export type FrameKind = "data" | "noop" | "config" | "command";

/** What a frame is made of. */
export type FrameFields = Omit<Frame, "byteLength">;

/** Bytes of a frame before its payload. */
export const FRAME_HEADER_BYTES = 40;
/** Largest payload of one frame: above every allowed record batch and command. */
export const FRAME_PAYLOAD_BYTES_MAX = 256 * 1024 * 1024;

/**
 * A frame that remembers its encoded header, so that wire, WAL and segment share the work of making
 * it.
 */
export class LogFrame implements Frame {
  readonly kind: FrameKind;
  readonly term: number;
  readonly index: number;
  readonly baseOffset: number;
  readonly span: number;
  readonly payload: Uint8Array;
  /** The encoded header for {@link headerGroup}; made on first use by the codec. */
  header: Uint8Array | undefined;
  /** The group whose number seeds the header's checksum; −1 before there is a header. */
  headerGroup = -1;

  constructor(fields: FrameFields) {
    this.kind = fields.kind;
    this.term = fields.term;
    this.index = fields.index;
    this.baseOffset = fields.baseOffset;
    this.span = fields.span;
    this.payload = fields.payload;
    this.header = undefined;
  }

  get byteLength(): number {
    return FRAME_HEADER_BYTES + this.payload.byteLength;
  }
}

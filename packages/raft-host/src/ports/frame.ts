/**
 * One Raft entry as it is stored and sent. The shape is log-store's; declared here because
 * raft-host must not depend
 * on any one storage.
 *
 * Invariants: `span` is 0 unless `kind` is "data"; the next frame's `baseOffset` is this one's plus
 * `span`;
 * the bytes are never changed after the frame was appended.
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

/** Frames to bytes and back; implemented by log-store. */
export interface FrameCodec {
  create(fields: {
    readonly kind: FrameKind;
    readonly term: number;
    readonly index: number;
    readonly baseOffset: number;
    readonly span: number;
    readonly payload: Uint8Array;
  }): Frame;
  /**
   * Header and payload for a vectored write, without a copy of the payload. The header is made
   * once per frame.
   */
  encode(group: number, frame: Frame): readonly [header: Uint8Array, payload: Uint8Array];
  /**
   * Reads the frame at `position`. The frame's payload is a view of `bytes`. Verifies the header's
   * checksum, seeded
   * with the group, and the payload's. Never throws and never reads past the end.
   */
  decode(group: number, bytes: Uint8Array, position: number): FrameDecoding;
}

export type FrameDecoding =
  | { readonly ok: true; readonly frame: Frame; readonly endPosition: number }
  | {
      readonly ok: false;
      readonly reason: "truncated" | "bad-magic" | "bad-checksum" | "bad-length";
    };

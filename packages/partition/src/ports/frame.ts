/**
 * One committed Raft entry; the shape of raft-host's `Frame`, in the part that a partition reads.
 */
export interface Frame {
  readonly kind: "data" | "noop" | "config" | "command";
  readonly term: number;
  readonly index: number;
  readonly baseOffset: number;
  /** Number of user offsets that the entry takes; 0 for everything but data. */
  readonly span: number;
  readonly payload: Uint8Array;
  readonly byteLength: number;
}

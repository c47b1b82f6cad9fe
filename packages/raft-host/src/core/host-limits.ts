/** Bounds of a Raft host. Bytes count whole frames. */
export interface HostLimits {
  /** Entries of one group in one append message; a single larger entry still passes. */
  readonly appendBytesMax: number;
  /** Append messages in flight per group and follower. */
  readonly inflightMessagesMax: number;
  /** Bytes in flight per group and follower. */
  readonly inflightBytesMax: number;
  /** Proposed and not yet committed, per group; beyond it proposals are refused as overloaded. */
  readonly uncommittedBytesMax: number;
  /** Proposed and not yet applied, over all groups that this host leads. */
  readonly hostUncommittedBytesMax: number;
  /** Committed entries handed to a group's listener at a time. */
  readonly committedBytesMax: number;
  /** Size at which a batch of messages to one peer is closed and the next one begun. */
  readonly batchBytesMax: number;
  /** Log reads from disk under way at one time, over all groups. */
  readonly fetchCountMax: number;
  /** Largest snapshot that is sent or accepted. */
  readonly snapshotBytesMax: number;
  /** Piece in which a snapshot travels. */
  readonly snapshotPartBytes: number;
  /** Snapshots being received at one time, over all groups. */
  readonly snapshotCountMax: number;
  /** Leadership confirmations of one group that wait at one time. */
  readonly readCountMax: number;
}

export const DEFAULT_HOST_LIMITS: HostLimits = {
  appendBytesMax: 512 * 1024,
  inflightMessagesMax: 64,
  inflightBytesMax: 4 * 1024 * 1024,
  uncommittedBytesMax: 8 * 1024 * 1024,
  hostUncommittedBytesMax: 128 * 1024 * 1024,
  committedBytesMax: 4 * 1024 * 1024,
  batchBytesMax: 1024 * 1024,
  fetchCountMax: 16,
  snapshotBytesMax: 64 * 1024 * 1024,
  snapshotPartBytes: 512 * 1024,
  snapshotCountMax: 8,
  readCountMax: 10_000,
};

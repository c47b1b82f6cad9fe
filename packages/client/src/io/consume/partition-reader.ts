/** What reads a consumer's partitions: a loop, or a run of handlers. Keys name partitions. */
export interface PartitionReader {
  /** Begins nothing more of these partitions; resolves when what was begun of them is over. */
  leave(keys: ReadonlySet<string>): Promise<void>;
  /** Forgets what it has of a partition: it was sent elsewhere in it. */
  drop(key: string): void;
  /** The partition may be somebody else's: what it has of it does not count. */
  lose(key: string): void;
  /** Begins nothing of a partition until `resume`. */
  pause(key: string): void;
  resume(key: string): void;
  /** Milliseconds for which it has been busy with one record, 0 when it is not. */
  heldMs(): number;
  /** Resolves when it is busy with nothing at all. */
  idle(): Promise<void>;
}

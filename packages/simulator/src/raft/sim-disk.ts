import type { GroupNumber } from "@stratalog/base";
import type { FrameCodec, LogStorage, LogView } from "@stratalog/raft-host";
import type { SnapshotShelf } from "./snapshot-shelf.ts";

/** The part of a log that rules look at. */
export type LogFacts = Pick<LogView, "hardState" | "firstIndex" | "lastIndex" | "term">;

/** The two states of a replica's storage. */
export interface ReplicaLogs {
  /** As its process sees it. */
  readonly visible: LogFacts;
  /** As a crash at this moment would leave it; undefined where only a crash can tell. */
  readonly durable: LogFacts | undefined;
}

/** One machine's disk: survives crashes of its process, but not what was not synced. */
export interface SimDisk {
  readonly codec: FrameCodec;
  readonly snapshots: SnapshotShelf;
  /** The storage of a new process on what the last one left, with a log for each of the groups. */
  boot(groups: readonly GroupNumber[]): Promise<LogStorage>;
  /** The process ends; some of what was under way may have made it. */
  crash(): void;
  /** The logs of a group; undefined while no process has them open, where only it could tell. */
  logs(group: GroupNumber): ReplicaLogs | undefined;
  /** Drops a group's log up to `index`, as far as that is possible now. */
  dropPrefix(group: GroupNumber, index: number): void;
  /** Whether a crash would leave the entry here; undefined where only a crash can tell. */
  hasDurable(group: GroupNumber, index: number, term: number): boolean | undefined;
}

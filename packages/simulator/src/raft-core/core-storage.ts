import type { Random } from "@stratalog/base";
import type { InitialState, LogStorage, ReplicaId, Snapshot, Want } from "raft-ts";
import { must } from "../raft/violation.ts";
import type { CoreDisk } from "./core-disk.ts";

/**
 * What a core reads: the written log, of which only the end and what was fetched is in memory.
 */
export class CoreStorage implements LogStorage {
  readonly #disk: CoreDisk;
  readonly #random: Random;
  readonly #residentCount: number;
  /** Fetched ranges, one per reader. */
  readonly #fetched = new Map<
    ReplicaId | "apply",
    { readonly from: number; readonly to: number }
  >();

  constructor(disk: CoreDisk, random: Random, residentCount: number) {
    this.#disk = disk;
    this.#random = random;
    this.#residentCount = residentCount;
  }

  /** What was wanted came into memory, or a part of it. */
  fetch(want: Want): void {
    const to = Math.min(want.to, want.from + 1 + this.#random.below(8));
    this.#fetched.set(want.for, { from: want.from, to });
  }

  initialState(): InitialState {
    const { durable } = this.#disk;
    const { hardState, checkpoint } = durable;
    const { confState } = checkpoint;
    // A storage that keeps no list of configuration entries must do as well.
    if (this.#random.below(2) === 0) return { hardState, confState };
    return { hardState, confState, configurationIndexes: durable.configurationIndexes() };
  }

  firstIndex(): number {
    return this.#disk.written.firstIndex;
  }

  lastIndex(): number {
    return this.#disk.written.lastIndex;
  }

  term(index: number): ReturnType<LogStorage["term"]> {
    return this.#disk.written.term(index);
  }

  entries(from: number, to: number, maxBytes: number): ReturnType<LogStorage["entries"]> {
    const { written } = this.#disk;
    if (from < written.firstIndex) return "compacted";
    must(to <= written.lastIndex + 1, "only what was written is read");
    const resident = written.lastIndex + 1 - this.#residentCount;
    if (from >= resident) return written.slice(from, to, maxBytes);
    for (const fetched of this.#fetched.values()) {
      if (from < fetched.from || from >= fetched.to) continue;
      return written.slice(from, Math.min(to, fetched.to), maxBytes);
    }
    return "pending";
  }

  snapshot(): Snapshot | "pending" {
    return this.#random.below(5) === 0 ? "pending" : this.#disk.durable.checkpoint;
  }
}

import { assert, type GroupNumber, present } from "@stratalog/base";
import type { Frame } from "../ports/frame.ts";
import type { GroupWrite, LogStorage, LogView } from "../ports/log-storage.ts";
import { MemoryLog } from "./memory-log.ts";

/** How a memory storage behaves. */
export interface MemoryLogStorageOptions {
  /** Runs `sync` once the disk is done; by default writes wait for `completeNext`. */
  readonly afterSync?: (sync: () => void) => void;
  /** Runs `read` once the disk is done; by default at once. */
  readonly afterRead?: (read: () => void) => void;
  /**
   * Frames of each group that stay in memory, from the end; the rest must be fetched. Default: all.
   */
  readonly residentCount?: number;
  /** What survived an earlier life. */
  readonly durable?: ReadonlyMap<GroupNumber, MemoryLog>;
}

interface Pending {
  readonly writes: readonly GroupWrite[];
  readonly onDurable: () => void;
}

/**
 * A log storage in memory whose writes become durable later, and that forgets what was not durable
 * on a crash.
 */
export class MemoryLogStorage implements LogStorage {
  readonly #options: MemoryLogStorageOptions;
  readonly #durable: Map<GroupNumber, MemoryLog>;
  readonly #visible: Map<GroupNumber, MemoryLog>;
  #pending: Pending[] = [];
  #isCrashed = false;
  /** Calls of `write` so far. */
  writeCount = 0;

  constructor(options: MemoryLogStorageOptions = {}) {
    this.#options = options;
    const durable = [...(options.durable ?? [])];
    this.#durable = new Map(durable.map(([group, log]) => [group, log.copy()]));
    this.#visible = new Map(durable.map(([group, log]) => [group, log.copy()]));
  }

  /** Makes an empty log, durably. */
  createGroup(group: GroupNumber): void {
    if (this.#visible.has(group)) return;
    this.#durable.set(group, new MemoryLog());
    this.#visible.set(group, new MemoryLog());
  }

  groups(): readonly GroupNumber[] {
    return [...this.#visible.keys()];
  }

  /** What a crash at this moment would leave of a group for certain. */
  durableLog(group: GroupNumber): MemoryLog {
    return present(this.#durable.get(group), `group ${group}`);
  }

  visibleLog(group: GroupNumber): MemoryLog {
    return present(this.#visible.get(group), `group ${group}`);
  }

  /** Writes that are not durable yet. */
  get pendingCount(): number {
    return this.#pending.length;
  }

  write(writes: readonly GroupWrite[], onDurable: () => void): void {
    assert(!this.#isCrashed, "a write after the crash");
    this.writeCount++;
    for (const write of writes) this.visibleLog(write.group).apply(write);
    this.#pending.push({ writes, onDurable });
    this.#options.afterSync?.(() => this.completeNext());
  }

  /** Makes the oldest waiting write durable. */
  completeNext(): void {
    if (this.#isCrashed) return;
    const pending = this.#pending.shift();
    if (pending === undefined) return;
    for (const write of pending.writes) this.durableLog(write.group).apply(write);
    pending.onDurable();
  }

  /** Makes everything durable that waits now. */
  completeAll(): void {
    for (let count = this.#pending.length; count > 0; count--) this.completeNext();
  }

  /** Drops every frame up to `index`, durably, as after a snapshot. */
  dropPrefix(group: GroupNumber, index: number): void {
    this.durableLog(group).dropPrefix(index);
    this.visibleLog(group).dropPrefix(index);
  }

  /**
   * Ends this life. The first `survivors` of the waiting writes made it to the disk all the same.
   */
  crash(survivors = 0): ReadonlyMap<GroupNumber, MemoryLog> {
    for (const { writes } of this.#pending.slice(0, survivors)) {
      for (const write of writes) this.durableLog(write.group).apply(write);
    }
    this.#pending = [];
    this.#isCrashed = true;
    return this.#durable;
  }

  view(group: GroupNumber): LogView {
    return new MemoryLogView(this.visibleLog(group), this.#options);
  }
}

class MemoryLogView implements LogView {
  readonly #log: MemoryLog;
  readonly #options: MemoryLogStorageOptions;

  constructor(log: MemoryLog, options: MemoryLogStorageOptions) {
    this.#log = log;
    this.#options = options;
  }

  get hardState(): LogView["hardState"] {
    return this.#log.hardState;
  }

  get firstIndex(): number {
    return this.#log.firstIndex;
  }

  get lastIndex(): number {
    return this.#log.lastIndex;
  }

  get nextOffset(): number {
    return this.#log.nextOffset;
  }

  term(index: number): number | "compacted" | "unavailable" {
    return this.#log.term(index);
  }

  frames(from: number, to: number, maxBytes: number): readonly Frame[] | "compacted" | "pending" {
    const residentCount = this.#options.residentCount ?? Number.POSITIVE_INFINITY;
    if (from < this.firstIndex) return "compacted";
    if (from <= this.lastIndex - residentCount) return "pending";
    return this.#read(from, to, maxBytes);
  }

  fetchFrames(from: number, to: number, maxBytes: number): Promise<readonly Frame[] | "compacted"> {
    const read = (): readonly Frame[] | "compacted" =>
      from < this.firstIndex ? "compacted" : this.#read(from, to, maxBytes);
    const { afterRead } = this.#options;
    if (afterRead === undefined) return Promise.resolve(read());
    return new Promise((resolve) => {
      afterRead(() => resolve(read()));
    });
  }

  #read(from: number, to: number, maxBytes: number): readonly Frame[] {
    const found: Frame[] = [];
    let bytes = 0;
    for (let index = from; index < to; index++) {
      const frame = this.#log.frame(index);
      if (frame === undefined) break;
      bytes += frame.byteLength;
      if (found.length > 0 && bytes > maxBytes) break;
      found.push(frame);
    }
    return found;
  }
}

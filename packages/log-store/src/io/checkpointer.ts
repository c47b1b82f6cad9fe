import type { KeyValueChange, KeyValueStore } from "@stratalog/base";
import { putWal } from "./checkpoint-store.ts";
import { Gate } from "./gate.ts";
import type { GroupEntry } from "./group-entry.ts";
import type { WalWriter } from "./wal-writer.ts";

/** Groups whose files are synced at once. */
const CONCURRENCY = 2;

/**
 * Frees the WAL, in this order: segments and their directories synced, then the checkpoints synced,
 * then files of the WAL recycled and files of segments removed. Every group with a change in the
 * WAL takes part, so none can pin it.
 */
export class Checkpointer {
  readonly #keyValue: KeyValueStore;
  readonly #wal: WalWriter;
  readonly #groups: ReadonlyMap<number, GroupEntry>;
  readonly #exclusive = new Gate(1);
  #running: Promise<void> | undefined;

  constructor(parts: {
    readonly keyValue: KeyValueStore;
    readonly wal: WalWriter;
    readonly groups: ReadonlyMap<number, GroupEntry>;
  }) {
    this.#keyValue = parts.keyValue;
    this.#wal = parts.wal;
    this.#groups = parts.groups;
  }

  /** Makes a checkpoint, or joins the one under way. */
  run(): Promise<void> {
    this.#running ??= this.exclusive(() => this.#checkpoint()).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Runs work that changes checkpoints by itself, with no checkpoint under way. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.#exclusive.run(work);
  }

  async #checkpoint(): Promise<void> {
    const prepared: GroupEntry[] = [];
    const changes: KeyValueChange[] = [];
    const gate = new Gate(CONCURRENCY);
    const prepare = async (entry: GroupEntry): Promise<void> => {
      if (entry.isDropped) return;
      const outcome = await entry.writer.prepareCheckpoint();
      if (outcome === "full") return;
      prepared.push(entry);
      changes.push(...outcome);
    };
    const waiting: Promise<void>[] = [];
    for (const entry of this.#groups.values()) {
      if (entry.isDropped) continue;
      entry.log.removeDroppable();
      if (entry.writer.needsCheckpoint) waiting.push(gate.run(() => prepare(entry)));
    }
    await Promise.all(waiting);
    const replayFrom = this.#replayFrom(new Set(prepared));
    changes.push(putWal({ replayFrom, syncedThrough: this.#wal.durableBatch }));
    await this.#keyValue.write(changes, { sync: true });
    for (const entry of prepared) await entry.writer.completeCheckpoint();
    await this.#wal.advanceReplayFrom(replayFrom);
  }

  /** The head that recovery has to begin with once the prepared checkpoints are durable. */
  #replayFrom(prepared: ReadonlySet<GroupEntry>): number {
    let needed = this.#wal.durableBatch + 1;
    for (const entry of this.#groups.values()) {
      const { writer } = entry;
      const dirtyFrom = prepared.has(entry) ? writer.dirtyAfterCheckpoint : writer.dirtyFrom;
      if (dirtyFrom !== undefined) needed = Math.min(needed, dirtyFrom);
    }
    return this.#wal.replayFromFor(needed);
  }
}

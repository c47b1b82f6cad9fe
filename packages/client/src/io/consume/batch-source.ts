import { CodedError } from "@stratalog/base";
import type { Position } from "../../core/positions.ts";
import type { BatchQueue, OpenedFeedBatch } from "../fetch/batch-queue.ts";
import type { ClientEnvironment } from "../../ports/environment.ts";
import type { Scope } from "../scope.ts";
import { Breather } from "./breather.ts";
import type { PartitionOwner } from "./partition-owner.ts";
import type { PartitionTable } from "./partition-table.ts";

/** A batch of a partition that the consumer has. Whoever gets it releases it. */
export interface OwnedBatch<Key, Value> {
  readonly batch: OpenedFeedBatch<Key, Value>;
  readonly position: Position;
}

/** The batches of a consumer's partitions, for whatever reads them. */
export class BatchSource<Key, Value> {
  readonly #scope: Scope;
  readonly #queue: BatchQueue<Key, Value>;
  readonly #table: PartitionTable;
  readonly #owner: PartitionOwner;
  readonly #commitsAhead: boolean;
  readonly breather: Breather;

  constructor(options: {
    readonly environment: ClientEnvironment;
    readonly scope: Scope;
    readonly queue: BatchQueue<Key, Value>;
    readonly table: PartitionTable;
    readonly owner: PartitionOwner;
    readonly commitsAhead: boolean;
  }) {
    this.#scope = options.scope;
    this.#queue = options.queue;
    this.#table = options.table;
    this.#owner = options.owner;
    this.#commitsAhead = options.commitsAhead;
    this.breather = new Breather(options.environment, () => options.owner.caughtUp());
  }

  /** The next batch of a partition that is still ours; undefined once the consumer closes. */
  async next(signal: AbortSignal | undefined): Promise<OwnedBatch<Key, Value> | undefined> {
    try {
      while (!this.#owner.isClosing) {
        this.#scope.check(signal);
        if (this.breather.isDue) await this.#scope.race(this.breather.take(), signal);
        await this.#owner.begin(signal);
        const changed = this.#queue.changed();
        const batch = await this.#queue.take();
        if (batch === undefined) {
          await this.#scope.race(changed, signal);
          this.breather.mark();
          continue;
        }
        const position = this.#table.positionOf(batch.feed);
        if (position !== undefined && (await this.#commitAhead(position, batch))) {
          return { batch, position };
        }
        batch.release();
      }
      return undefined;
    } catch (error) {
      if (this.#owner.isClosing || this.#scope.isClosed) return undefined;
      throw error;
    }
  }

  /** Whether the batch may be read: it is ours still and, when that is wanted, stored as done. */
  async #commitAhead(position: Position, batch: OpenedFeedBatch<Key, Value>): Promise<boolean> {
    if (!this.#commitsAhead) return true;
    try {
      await this.#owner.commitAhead(position, batch.end);
    } catch (thrown) {
      const error = CodedError.from(thrown);
      const isFenced = error.code === "FENCED_MEMBER_EPOCH" || error.code === "UNKNOWN_MEMBER";
      if (!isFenced) throw error;
      return false;
    }
    return batch.isCurrent() && this.#table.get(position) === position;
  }
}

import { assert } from "@stratalog/base";
import { partitionKey, type TopicPartition } from "./topic-partition.ts";

/**
 * How far a consumer is in one partition; every number is the offset of a next record.
 * Invariant: committed ≤ passed ≤ delivered, except right after a seek, which may go back.
 */
export interface Position extends TopicPartition {
  /** Everything before it was handed to the loop. */
  delivered: number;
  /** Everything before it the loop has passed: it asked for the next record after it. */
  passed: number;
  /** What the group has stored; −1 while that is not known. */
  committed: number;
}

/** The positions of the partitions that a consumer has. */
export class Positions {
  readonly #positions = new Map<string, Position>();

  /** Begins at `offset`; `committed` is what the group has stored, −1 for nothing. */
  add(partition: TopicPartition, offset: number, committed: number): Position {
    const position: Position = { ...partition, delivered: offset, passed: offset, committed };
    this.#positions.set(partitionKey(partition), position);
    return position;
  }

  get(partition: TopicPartition): Position | undefined {
    return this.#positions.get(partitionKey(partition));
  }

  remove(partition: TopicPartition): void {
    this.#positions.delete(partitionKey(partition));
  }

  all(): readonly Position[] {
    return [...this.#positions.values()];
  }

  /** What is to be committed now: partitions in which the loop passed something. */
  uncommitted(): readonly Position[] {
    return this.all().filter(({ passed, committed }) => passed !== committed && passed >= 0);
  }
}

/** The loop was handed a record. */
export function deliver(position: Position, offset: number): void {
  assert(offset >= position.delivered, `offset ${offset} was delivered already`);
  position.delivered = offset + 1;
}

/** The loop goes on elsewhere. */
export function moveTo(position: Position, offset: number): void {
  position.delivered = offset;
  position.passed = offset;
}

import { CodedError } from "@stratalog/base";
import { moveTo, type Position, Positions } from "../../core/positions.ts";
import { partitionKey, type TopicPartition } from "../../core/topic-partition.ts";
import type { Feed } from "../fetch/feed.ts";
import type { Fetcher } from "../fetch/fetcher.ts";
import type { StartOffset } from "./start-offsets.ts";

/** Who wants a partition not to be read; "news": it is being told that the partition came. */
type Pauser = "user" | "run" | "news";

interface Row {
  readonly feed: Feed;
  readonly position: Position;
  /** Aborts when the partition goes. */
  readonly held: AbortController;
  readonly pausedBy: Set<Pauser>;
}

/** The partitions that a consumer has: what is fetched of each, and how far the loop is. */
export class PartitionTable {
  readonly #fetcher: Fetcher;
  readonly #positions = new Positions();
  readonly #rows = new Map<string, Row>();
  readonly #byFeed = new Map<Feed, Position>();

  constructor(fetcher: Fetcher) {
    this.#fetcher = fetcher;
  }

  add(start: StartOffset): void {
    const { topic, partition, offset, committed } = start;
    const feed = this.#fetcher.add(topic, partition, offset);
    const position = this.#positions.add({ topic, partition }, offset, committed);
    const row = { feed, position, held: new AbortController(), pausedBy: new Set<Pauser>() };
    this.#rows.set(partitionKey(start), row);
    this.#byFeed.set(feed, position);
  }

  /** Fetches no more of it and voids what was fetched; its position stays for the last commit. */
  silence(partition: TopicPartition): void {
    const row = this.#rows.get(partitionKey(partition));
    if (row !== undefined) this.#fetcher.remove(row.feed);
  }

  remove(partition: TopicPartition): void {
    const row = this.#rows.get(partitionKey(partition));
    if (row === undefined) return;
    this.#fetcher.remove(row.feed);
    this.#rows.delete(partitionKey(partition));
    this.#byFeed.delete(row.feed);
    this.#positions.remove(partition);
    row.held.abort(goneError(partition));
  }

  /** Aborts when the partition goes; aborted already for one that the consumer does not have. */
  signalOf(partition: TopicPartition): AbortSignal {
    const row = this.#rows.get(partitionKey(partition));
    return row?.held.signal ?? AbortSignal.abort(goneError(partition));
  }

  /** Nothing is anybody's any more: the consumer is closed. */
  abortAll(reason: CodedError): void {
    for (const { held } of this.#rows.values()) held.abort(reason);
  }

  /** Position of a feed; undefined when it was taken away meanwhile. */
  positionOf(feed: Feed): Position | undefined {
    return this.#byFeed.get(feed);
  }

  get(partition: TopicPartition): Position | undefined {
    return this.#positions.get(partition);
  }

  partitions(): readonly TopicPartition[] {
    return this.#positions.all().map(({ topic, partition }) => ({ topic, partition }));
  }

  positions(): readonly Position[] {
    return this.#positions.all();
  }

  uncommitted(): readonly Position[] {
    return this.#positions.uncommitted();
  }

  /** Counts everything that was handed out as passed. */
  passDelivered(): void {
    for (const position of this.#positions.all()) position.passed = position.delivered;
  }

  /** Records between the loop and the end of the partition; undefined while that is not known. */
  lagOf(partition: TopicPartition): number | undefined {
    const row = this.#rows.get(partitionKey(partition));
    if (row === undefined || row.feed.highWatermark < 0) return undefined;
    return Math.max(0, row.feed.highWatermark - row.position.delivered);
  }

  /** Goes on elsewhere. RangeError when the consumer does not have the partition. */
  seek(partition: TopicPartition, offset: number): void {
    const { feed, position } = this.#row(partition);
    moveTo(position, offset);
    this.#fetcher.seek(feed, offset);
  }

  pause(partition: TopicPartition, by: Pauser = "user"): void {
    const { feed, position, pausedBy } = this.#row(partition);
    pausedBy.add(by);
    if (feed.state !== "paused") this.#fetcher.pause(feed, position.delivered);
  }

  /** Goes on where it paused, when nobody else wants it paused. */
  resume(partition: TopicPartition, by: Pauser = "user"): void {
    const { feed, pausedBy } = this.#row(partition);
    pausedBy.delete(by);
    if (pausedBy.size === 0) this.#fetcher.resume(feed);
  }

  /**
   * Sends partitions back to the first record that is not passed: those of which something was
   * delivered that is not, or all, when more was taken than is delivered.
   */
  rewind(which: "delivered" | "all"): void {
    for (const { feed, position } of this.#rows.values()) {
      if (which === "delivered" && position.delivered === position.passed) continue;
      moveTo(position, position.passed);
      this.#fetcher.seek(feed, position.passed);
    }
  }

  #row(partition: TopicPartition): Row {
    const row = this.#rows.get(partitionKey(partition));
    if (row !== undefined) return row;
    throw new RangeError(`this consumer does not have ${partitionKey(partition)} now`);
  }
}

function goneError(partition: TopicPartition): CodedError {
  const key = partitionKey(partition);
  return new CodedError("ABORTED", `this consumer does not have ${key} any more`);
}

import { moveTo, type Position, Positions } from "../../core/positions.ts";
import { partitionKey, type TopicPartition } from "../../core/topic-partition.ts";
import type { Feed } from "../fetch/feed.ts";
import type { Fetcher } from "../fetch/fetcher.ts";
import type { StartOffset } from "./start-offsets.ts";

interface Row {
  readonly feed: Feed;
  readonly position: Position;
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
    this.#rows.set(partitionKey(start), { feed, position });
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

  pause(partition: TopicPartition): void {
    const { feed, position } = this.#row(partition);
    if (feed.state !== "paused") this.#fetcher.pause(feed, position.delivered);
  }

  resume(partition: TopicPartition): void {
    this.#fetcher.resume(this.#row(partition).feed);
  }

  #row(partition: TopicPartition): Row {
    const row = this.#rows.get(partitionKey(partition));
    if (row !== undefined) return row;
    throw new RangeError(`this consumer does not have ${partitionKey(partition)} now`);
  }
}

import { CodedError, decodeUtf8 } from "@stratalog/base";
import type { RecordCursor, RecordHeader } from "@stratalog/record-batch";
import { toPublicOffset } from "./public-offset.ts";
import { parseJson, type Serde } from "./serde.ts";

/** How a consumer turns bytes into keys and values; without a serde they are bytes. */
export interface ConsumerSerdes<Key, Value> {
  readonly key: Serde<Key> | undefined;
  readonly value: Serde<Value> | undefined;
}

/** Where the records of a batch come from, and how they are read. Shared by all of them. */
export interface RecordOrigin<Key, Value> {
  readonly topic: string;
  readonly partition: number;
  readonly serdes: ConsumerSerdes<Key, Value>;
}

/**
 * A record that was read. Key, value and headers are decoded when they are asked for, so that what
 * nobody looks at costs nothing. Bytes are views of the batch: copy what must outlive it by long.
 */
export class ConsumedRecord<Key = Uint8Array, Value = Uint8Array> {
  /** Milliseconds since 1970: the producer's clock, or the broker's when the topic says so. */
  readonly timestamp: number;
  /** The offset as a plain number: the same as `offset`, for arithmetic. */
  readonly position: number;
  readonly #origin: RecordOrigin<Key, Value>;
  readonly #bytes: Uint8Array;
  readonly #keyStart: number;
  readonly #keyLength: number;
  readonly #valueStart: number;
  readonly #valueLength: number;
  readonly #headers: readonly RecordHeader[];

  constructor(origin: RecordOrigin<Key, Value>, cursor: RecordCursor) {
    this.#origin = origin;
    this.timestamp = cursor.timestampMs;
    this.position = cursor.offset;
    this.#bytes = cursor.bytes;
    this.#keyStart = cursor.keyStart;
    this.#keyLength = cursor.keyLength;
    this.#valueStart = cursor.valueStart;
    this.#valueLength = cursor.valueLength;
    this.#headers = cursor.headers();
  }

  /** Name of its topic. */
  get topic(): string {
    return this.#origin.topic;
  }

  /** Number of its partition. */
  get partition(): number {
    return this.#origin.partition;
  }

  /** Its place in the partition, from 0. */
  get offset(): bigint {
    return toPublicOffset(this.position);
  }

  /** Headers in their order; a name may be there several times. */
  get headers(): readonly RecordHeader[] {
    return this.#headers;
  }

  /** The key through the consumer's serde; as bytes without one. Throws SERDE_FAILED. */
  get key(): Key | null {
    return this.#decode("key", this.keyBytes, this.#origin.serdes.key);
  }

  /** The value through the consumer's serde; as bytes without one. Throws SERDE_FAILED. */
  get value(): Value | null {
    return this.#decode("value", this.valueBytes, this.#origin.serdes.value);
  }

  /** The key as it was sent; null for none. A view of the batch. */
  get keyBytes(): Uint8Array | null {
    if (this.#keyLength < 0) return null;
    return this.#bytes.subarray(this.#keyStart, this.#keyStart + this.#keyLength);
  }

  /** The value as it was sent; null for a deletion. A view of the batch. */
  get valueBytes(): Uint8Array | null {
    if (this.#valueLength < 0) return null;
    return this.#bytes.subarray(this.#valueStart, this.#valueStart + this.#valueLength);
  }

  /** The key as UTF-8 text; null for a null key. */
  keyText(): string | null {
    const bytes = this.keyBytes;
    return bytes === null ? null : decodeUtf8(bytes);
  }

  /** The value as UTF-8 text; null for a null value. */
  text(): string | null {
    const bytes = this.valueBytes;
    return bytes === null ? null : decodeUtf8(bytes);
  }

  /**
   * The value parsed as JSON; null for a null value. Throws SERDE_FAILED. The type is your word.
   */
  json<T = unknown>(): T {
    const text = this.text();
    // The caller names the type; a serde with a validator is the way to have it checked.
    return (text === null ? null : parseJson(text)) as T;
  }

  /** The last header of a name as text; undefined when there is none. */
  header(name: string): string | undefined {
    const found = this.#headers.findLast((header) => header.key === name)?.value;
    return found === undefined || found === null ? undefined : decodeUtf8(found);
  }

  /** For logs: place, time, key and value as text. */
  toJSON(): object {
    const { topic, partition, timestamp } = this;
    const offset = this.offset.toString();
    return { topic, partition, offset, timestamp, key: this.keyText(), value: this.text() };
  }

  #decode<T>(what: string, bytes: Uint8Array | null, serde: Serde<T> | undefined): T | null {
    if (bytes === null) return null;
    // Without a serde the type parameter is its default, bytes.
    if (serde === undefined) return bytes as T;
    try {
      return serde.deserialize(bytes);
    } catch (error) {
      const where = `${this.topic}/${this.partition} at ${this.position}`;
      throw new CodedError("SERDE_FAILED", `${what} of ${where}: ${String(error)}`, {
        cause: error,
        details: { topic: this.topic, partition: this.partition, offset: this.position },
      });
    }
  }
}

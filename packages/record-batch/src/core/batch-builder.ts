import { assert, encodeUtf8 } from "@stratalog/base";
import { crc32c } from "./crc32c.ts";
import {
  ATTRIBUTES_POSITION,
  BASE_SEQUENCE_POSITION,
  BASE_TIMESTAMP_POSITION,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_POSITION,
  BATCH_MAGIC,
  BATCH_PREFIX_BYTES,
  CRC_POSITION,
  LAST_OFFSET_DELTA_POSITION,
  LEADER_EPOCH_POSITION,
  MAGIC_POSITION,
  MAX_TIMESTAMP_POSITION,
  PRODUCER_EPOCH_POSITION,
  PRODUCER_ID_POSITION,
  RECORD_COUNT_POSITION,
  TRANSACTIONAL_BIT,
} from "./header.ts";
import { writeInt16, writeInt32, writeInt64 } from "./integers.ts";
import type { RecordHeader, RecordInput } from "./record.ts";
import { varintBytes, varlongBytes, writeVarint, writeVarlong } from "./varint.ts";

/**
 * What makes a batch idempotent: who sends it, and the number of its first record from that one.
 */
export interface ProducerFields {
  /** −1 for none; with one, epoch and sequence must be given too. */
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
}

/** What a batch says besides its records. All default to "not idempotent, not transactional". */
export interface BatchBuilderOptions extends ProducerFields {
  readonly isTransactional?: boolean;
  /** First size of the buffer, bytes; it doubles as needed. Default 1,024. */
  readonly initialBytes?: number;
  /** Memory to encode into instead; the builder's until the batch that lies in it is done with. */
  readonly buffer?: Uint8Array | undefined;
}

/** Timestamps are within [−1, 2^51]: deltas of two of them are exact. */
const TIMESTAMP_MAX = 2 ** 51;
/** Below this a loop copies faster than a call of `set`. */
const LOOP_COPY_BYTES_MAX = 24;
/** Largest batch that the format's lengths can say, and more than any broker takes. */
const BATCH_BYTES_MAX = 0x7fff_ffff;

const NO_HEADERS: readonly RecordHeader[] = [];

/**
 * Encodes records into one uncompressed RecordBatch v2, one pass, into a buffer that grows. `build`
 * seals the batch and hands the buffer over without a copy; after it the builder takes no more
 * records until `reset`.
 */
export class BatchBuilder {
  #bytes: Uint8Array;
  #position = BATCH_HEADER_BYTES;
  #recordCount = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;
  #isBuilt = false;
  #options: BatchBuilderOptions;

  constructor(options: BatchBuilderOptions = {}) {
    this.#options = options;
    const hasRoom = options.buffer !== undefined && options.buffer.length >= BATCH_HEADER_BYTES;
    this.#bytes = hasRoom
      ? options.buffer
      : new Uint8Array(Math.max(BATCH_HEADER_BYTES, options.initialBytes ?? 1024));
  }

  /** Bytes of the batch so far, header included. */
  get sizeBytes(): number {
    return this.#position;
  }

  get recordCount(): number {
    return this.#recordCount;
  }

  /** Adds a record; gives the bytes of the batch so far. */
  append(record: RecordInput): number {
    const fits = this.tryAppend(record, BATCH_BYTES_MAX);
    if (!fits) throw new RangeError("a record batch is at most 2 GiB");
    return this.#position;
  }

  /**
   * Adds a record unless the batch would then be larger than `maxBytes`; says whether it was
   * added.
   */
  tryAppend(record: RecordInput, maxBytes: number): boolean {
    assert(!this.#isBuilt, "append after build");
    const timestamp = record.timestampMs;
    if (!(Number.isInteger(timestamp) && timestamp >= -1 && timestamp <= TIMESTAMP_MAX)) {
      throw new RangeError(`timestampMs ${timestamp} is not a whole number of milliseconds`);
    }
    const isFirst = this.#recordCount === 0;
    const timestampDelta = isFirst ? 0 : timestamp - this.#baseTimestamp;
    const { key, value } = record;
    const headers = record.headers ?? NO_HEADERS;
    const keyNames = headers.length === 0 ? undefined : headers.map((h) => encodeUtf8(h.key));
    const bodyBytes =
      1 +
      varlongBytes(timestampDelta) +
      varintBytes(this.#recordCount) +
      fieldBytes(key) +
      fieldBytes(value) +
      headersBytes(headers, keyNames);
    const end = this.#position + varintBytes(bodyBytes) + bodyBytes;
    if (end > maxBytes) return false;
    if (end > this.#bytes.length) this.#grow(end);

    const bytes = this.#bytes;
    let position = writeVarint(bytes, this.#position, bodyBytes);
    bytes[position++] = 0;
    position = writeVarlong(bytes, position, timestampDelta);
    position = writeVarint(bytes, position, this.#recordCount);
    position = writeField(bytes, position, key);
    position = writeField(bytes, position, value);
    position = writeVarint(bytes, position, headers.length);
    if (keyNames !== undefined) position = writeHeaders(bytes, position, { headers, keyNames });
    assert(position === end, "record size was computed wrongly");

    this.#position = end;
    this.#recordCount++;
    if (isFirst) this.#baseTimestamp = timestamp;
    if (isFirst || timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    return true;
  }

  /**
   * Seals the batch: header and checksum. The bytes are the caller's from here on; base offset 0,
   * leader epoch −1. `producer` replaces what the constructor was told.
   */
  build(producer: ProducerFields = this.#options): Uint8Array {
    assert(!this.#isBuilt && this.#recordCount > 0, "build of an empty or built batch");
    this.#isBuilt = true;
    const bytes = this.#bytes.subarray(0, this.#position);
    const options = this.#options;
    writeInt64(bytes, 0, 0);
    writeInt32(bytes, BATCH_LENGTH_POSITION, this.#position - BATCH_PREFIX_BYTES);
    writeInt32(bytes, LEADER_EPOCH_POSITION, -1);
    bytes[MAGIC_POSITION] = BATCH_MAGIC;
    writeInt16(
      bytes,
      ATTRIBUTES_POSITION,
      options.isTransactional === true ? TRANSACTIONAL_BIT : 0,
    );
    writeInt32(bytes, LAST_OFFSET_DELTA_POSITION, this.#recordCount - 1);
    writeInt64(bytes, BASE_TIMESTAMP_POSITION, this.#baseTimestamp);
    writeInt64(bytes, MAX_TIMESTAMP_POSITION, this.#maxTimestamp);
    writeInt32(bytes, RECORD_COUNT_POSITION, this.#recordCount);
    patchProducer(bytes, producer);
    return bytes;
  }

  /** Starts the next batch in a new buffer as large as the last one grew. */
  reset(options: BatchBuilderOptions = this.#options): void {
    this.#options = options;
    // A built buffer belongs to whoever took the batch; one that was never handed over is used
    // again.
    if (this.#isBuilt) this.#bytes = new Uint8Array(this.#bytes.length);
    this.#position = BATCH_HEADER_BYTES;
    this.#recordCount = 0;
    this.#isBuilt = false;
  }

  #grow(neededBytes: number): void {
    const larger = new Uint8Array(Math.max(neededBytes, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#position));
    this.#bytes = larger;
  }
}

/**
 * Writes who sends a whole batch and its first sequence number, and the checksum anew, which covers
 * them. For a producer that must number a batch again.
 */
export function patchProducer(bytes: Uint8Array, producer: ProducerFields): void {
  writeInt64(bytes, PRODUCER_ID_POSITION, producer.producerId ?? -1);
  writeInt16(bytes, PRODUCER_EPOCH_POSITION, producer.producerEpoch ?? -1);
  writeInt32(bytes, BASE_SEQUENCE_POSITION, producer.baseSequence ?? -1);
  writeInt32(bytes, CRC_POSITION, crc32c(bytes, ATTRIBUTES_POSITION, bytes.length));
}

function fieldBytes(field: Uint8Array | null): number {
  return field === null ? 1 : varintBytes(field.length) + field.length;
}

function writeField(bytes: Uint8Array, position: number, field: Uint8Array | null): number {
  if (field === null) return writeVarint(bytes, position, -1);
  const length = field.length;
  const start = writeVarint(bytes, position, length);
  if (length > LOOP_COPY_BYTES_MAX) {
    bytes.set(field, start);
  } else {
    for (let index = 0; index < length; index++) bytes[start + index] = field[index] as number;
  }
  return start + length;
}

function headersBytes(
  headers: readonly RecordHeader[],
  keyNames: readonly Uint8Array[] | undefined,
): number {
  let total = varintBytes(headers.length);
  if (keyNames === undefined) return total;
  for (const name of keyNames) total += fieldBytes(name);
  for (const header of headers) total += fieldBytes(header.value);
  return total;
}

function writeHeaders(
  bytes: Uint8Array,
  position: number,
  source: { readonly headers: readonly RecordHeader[]; readonly keyNames: readonly Uint8Array[] },
): number {
  let next = position;
  for (const [index, header] of source.headers.entries()) {
    next = writeField(bytes, next, source.keyNames[index] ?? null);
    next = writeField(bytes, next, header.value);
  }
  return next;
}

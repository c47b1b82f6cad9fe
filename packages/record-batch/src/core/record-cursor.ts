import { decodeUtf8 } from "@stratalog/base";
import {
  BATCH_HEADER_BYTES,
  baseOffsetOf,
  baseTimestampOf,
  isLogAppendTime,
  maxTimestampOf,
  recordCountOf,
} from "./header.ts";
import type { RecordHeader, RecordView } from "./record.ts";

const NO_HEADERS: readonly RecordHeader[] = [];
const HEADERS_MAX = 65_536;

/** The uncompressed records of one batch and what its header says about them. */
export interface RecordSection {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly baseOffset: number;
  readonly baseTimestamp: number;
  /** Set when the broker stamped the batch: every record then has this time. */
  readonly logAppendTimestamp: number | undefined;
  readonly recordCount: number;
}

/**
 * The section of a batch whose records are `bytes[start, end)`: its own bytes, or what its codec
 * gave.
 */
export function recordSection(
  batch: Uint8Array,
  position: number,
  records: { readonly bytes: Uint8Array; readonly start: number; readonly end: number },
): RecordSection {
  return {
    bytes: records.bytes,
    start: records.start,
    end: records.end,
    baseOffset: baseOffsetOf(batch, position),
    baseTimestamp: baseTimestampOf(batch, position),
    logAppendTimestamp: isLogAppendTime(batch, position)
      ? maxTimestampOf(batch, position)
      : undefined,
    recordCount: recordCountOf(batch, position),
  };
}

/** Position of the first record of an uncompressed batch. */
export function recordsStart(position: number): number {
  return position + BATCH_HEADER_BYTES;
}

/**
 * Walks the records of a batch in place: no object and no view per record until asked for. After
 * `next` said true, the public fields describe the current record; a length of −1 is a null. After
 * it said false, `isCorrupt` tells whether the records ended where the header says. Reads past the
 * end of a damaged batch give zeros and end in `isCorrupt`.
 */
export class RecordCursor {
  offset = -1;
  timestampMs = -1;
  keyStart = 0;
  keyLength = -1;
  valueStart = 0;
  valueLength = -1;
  headerCount = 0;
  isCorrupt = false;

  #bytes: Uint8Array;
  #section: RecordSection;
  #position: number;
  #headersStart = 0;
  #recordEnd = 0;
  #remaining: number;

  constructor(section: RecordSection) {
    this.#section = section;
    this.#bytes = section.bytes;
    this.#position = section.start;
    this.#remaining = section.recordCount;
  }

  /** The bytes that the positions point into. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  /** Goes to the next record; false at the end and at damage. */
  next(): boolean {
    if (this.#remaining === 0 || this.isCorrupt) {
      if (this.#position !== this.#section.end) this.isCorrupt = true;
      return false;
    }
    const section = this.#section;
    const bodyBytes = this.#readVarint();
    const recordEnd = this.#position + bodyBytes;
    if (bodyBytes < 6 || recordEnd > section.end) return this.#becomeCorrupt();
    this.#position++; // Attributes of a record: none are defined.
    const timestampDelta = this.#readVarlong();
    this.timestampMs = section.logAppendTimestamp ?? section.baseTimestamp + timestampDelta;
    this.offset = section.baseOffset + this.#readVarint();
    this.keyLength = this.#readVarint();
    this.keyStart = this.#position;
    if (this.keyLength > 0) this.#position += this.keyLength;
    this.valueLength = this.#readVarint();
    this.valueStart = this.#position;
    if (this.valueLength > 0) this.#position += this.valueLength;
    this.headerCount = this.#readVarint();
    this.#headersStart = this.#position;
    if (this.#position > recordEnd || this.keyLength < -1 || this.valueLength < -1) {
      return this.#becomeCorrupt();
    }
    if (this.headerCount !== 0 || this.#position !== recordEnd) {
      if (!this.#headersHold(recordEnd)) return this.#becomeCorrupt();
    }
    this.#position = recordEnd;
    this.#recordEnd = recordEnd;
    this.#remaining--;
    return true;
  }

  /** The key as a view. */
  key(): Uint8Array | null {
    return this.#view(this.keyStart, this.keyLength);
  }

  /** The value as a view. */
  value(): Uint8Array | null {
    return this.#view(this.valueStart, this.valueLength);
  }

  /** The headers, values as views. */
  headers(): readonly RecordHeader[] {
    if (this.headerCount === 0) return NO_HEADERS;
    const resume = this.#position;
    this.#position = this.#headersStart;
    const headers: RecordHeader[] = [];
    for (let index = 0; index < this.headerCount; index++) {
      const nameLength = this.#readVarint();
      const name = this.#bytes.subarray(this.#position, this.#position + nameLength);
      this.#position += nameLength;
      const valueLength = this.#readVarint();
      headers.push({ key: decodeUtf8(name), value: this.#view(this.#position, valueLength) });
      if (valueLength > 0) this.#position += valueLength;
    }
    this.#position = resume;
    return headers;
  }

  /** The current record as an object. */
  view(): RecordView {
    return {
      offset: this.offset,
      timestampMs: this.timestampMs,
      key: this.key(),
      value: this.value(),
      headers: this.headers(),
    };
  }

  /** Bytes of the current record's key and value. */
  get payloadBytes(): number {
    return Math.max(0, this.keyLength) + Math.max(0, this.valueLength);
  }

  /** Position after the current record. */
  get recordEnd(): number {
    return this.#recordEnd;
  }

  #view(start: number, length: number): Uint8Array | null {
    return length < 0 ? null : this.#bytes.subarray(start, start + length);
  }

  #becomeCorrupt(): false {
    this.isCorrupt = true;
    return false;
  }

  /** Walks the headers of the current record once, so that `headers` may trust their lengths. */
  #headersHold(recordEnd: number): boolean {
    if (this.headerCount < 0 || this.headerCount > HEADERS_MAX) return false;
    for (let index = 0; index < this.headerCount; index++) {
      const nameLength = this.#readVarint();
      if (nameLength < 0) return false;
      this.#position += nameLength;
      const valueLength = this.#readVarint();
      if (valueLength < -1 || this.#position > recordEnd) return false;
      if (valueLength > 0) this.#position += valueLength;
    }
    return this.#position === recordEnd;
  }

  #readVarint(): number {
    const bytes = this.#bytes;
    // Past the end this is undefined, which the operators below take for zero; the bounds check
    // that follows sees it.
    let byte = bytes[this.#position++] as number;
    let zigzag = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && shift < 35; shift += 7) {
      byte = bytes[this.#position++] as number;
      zigzag |= (byte & 0x7f) << shift;
    }
    return (zigzag >>> 1) ^ -(zigzag & 1);
  }

  #readVarlong(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#position++] as number;
    let low = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && shift < 28; shift += 7) {
      byte = bytes[this.#position++] as number;
      low |= (byte & 0x7f) << shift;
    }
    if (!(byte >= 0x80)) return (low >>> 1) ^ -(low & 1);
    let zigzag = low;
    for (let scale = 2 ** 28; byte >= 0x80 && scale < 2 ** 70; scale *= 128) {
      byte = bytes[this.#position++] as number;
      zigzag += (byte & 0x7f) * scale;
    }
    return low % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }
}

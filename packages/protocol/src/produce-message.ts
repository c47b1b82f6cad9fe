import { messageCodec } from "./definitions.ts";
import type { BatchAppend, ProduceStreamRequest } from "./gen/produce.ts";
import type { Input } from "./method.ts";

const appendCodec = messageCodec<BatchAppend>("BatchAppend");

// Field numbers of produce.proto, each with the wire type "length and bytes"; a test compares.
const APPENDS_TAG = (1 << 3) | 2;
const BATCH_TAG = (4 << 3) | 2;
const VARINT_CONTINUES = 0x80;
/** Tag and length in front of an append, and those in front of its batch. */
const PREFIX_BYTES_MAX = 2 * (1 + 5);

/**
 * The parts of an encoded ProduceStreamRequest, one after the other. Batches are not copied: a
 * batch is the last field of its append, and a part of its own. Protobuf takes fields in any order.
 */
export function encodeProduceParts(request: Input<ProduceStreamRequest>): readonly Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (const { batch, ...place } of request.appends ?? []) {
    const placeBytes = appendCodec.encode(place);
    const prefix = Buffer.allocUnsafe(placeBytes.length + PREFIX_BYTES_MAX);
    const batchBytes = batch?.length ?? 0;
    const appendBytes = placeBytes.length + 1 + varintBytes(batchBytes) + batchBytes;
    let position = prefix.writeUInt8(APPENDS_TAG);
    position = writeVarint(prefix, position, appendBytes);
    position += placeBytes.copy(prefix, position);
    position = prefix.writeUInt8(BATCH_TAG, position);
    position = writeVarint(prefix, position, batchBytes);
    parts.push(prefix.subarray(0, position));
    if (batch !== undefined) parts.push(batch);
  }
  return parts;
}

function varintBytes(value: number): number {
  let count = 1;
  for (let rest = value; rest >= VARINT_CONTINUES; rest >>>= 7) count++;
  return count;
}

function writeVarint(target: Uint8Array, start: number, value: number): number {
  let position = start;
  let rest = value;
  for (; rest >= VARINT_CONTINUES; rest >>>= 7) target[position++] = rest | VARINT_CONTINUES;
  target[position++] = rest;
  return position;
}

import { encodeUtf8 } from "@stratalog/base";
import { isOffset, parseJson } from "./partition-command.ts";
import { type ProducerBatch, REMEMBERED_BATCHES } from "./producer-history.ts";
import type { ProducerEntry } from "./producer-table.ts";

/**
 * All that a replica derives from its log: a restart loads it and replays only the frames above `index`.
 * `nextOffset` is the end offset after the frame at `index`.
 */
export interface PartitionSnapshot {
  readonly index: number;
  readonly nextOffset: number;
  readonly logStartOffset: number;
  readonly producers: readonly (readonly [producerId: number, entry: ProducerEntry])[];
}

type EncodedProducer = [id: number, epoch: number, seenWallMs: number, batches: number[][]];

/** Snapshots are JSON: small (a producer takes about a hundred bytes), and read by people when something is wrong. */
export function encodePartitionSnapshot(snapshot: PartitionSnapshot): Uint8Array {
  const producers = snapshot.producers.map(([id, { history, seenWallMs }]): EncodedProducer => {
    const batches = history.batches.map((b) => [b.firstSequence, b.lastSequence, b.baseOffset]);
    return [id, history.epoch, seenWallMs, batches];
  });
  const { index, nextOffset, logStartOffset } = snapshot;
  return encodeUtf8(JSON.stringify({ version: 1, index, nextOffset, logStartOffset, producers }));
}

/** The snapshot in the bytes, or undefined when they are not one of this version. */
export function decodePartitionSnapshot(bytes: Uint8Array): PartitionSnapshot | undefined {
  const value = parseJson(bytes);
  if (typeof value !== "object" || value === null) return undefined;
  if (!("version" in value) || value.version !== 1) return undefined;
  if (!("index" in value) || !isOffset(value.index)) return undefined;
  if (!("nextOffset" in value) || !isOffset(value.nextOffset)) return undefined;
  if (!("logStartOffset" in value) || !isOffset(value.logStartOffset)) return undefined;
  if (!("producers" in value) || !Array.isArray(value.producers)) return undefined;
  const producers: (readonly [number, ProducerEntry])[] = [];
  for (const encoded of value.producers) {
    const producer = decodeProducer(encoded);
    if (producer === undefined) return undefined;
    producers.push(producer);
  }
  const { index, nextOffset, logStartOffset } = value;
  return { index, nextOffset, logStartOffset, producers };
}

function decodeProducer(value: unknown): readonly [number, ProducerEntry] | undefined {
  if (!Array.isArray(value) || value.length !== 4) return undefined;
  const [id, epoch, seenWallMs, encodedBatches]: unknown[] = value;
  if (!isOffset(id) || !isOffset(epoch) || !isOffset(seenWallMs)) return undefined;
  if (!Array.isArray(encodedBatches) || encodedBatches.length > REMEMBERED_BATCHES)
    return undefined;
  const batches: ProducerBatch[] = [];
  for (const encoded of encodedBatches) {
    if (!Array.isArray(encoded) || encoded.length !== 3) return undefined;
    const [firstSequence, lastSequence, baseOffset]: unknown[] = encoded;
    if (!isOffset(firstSequence) || !isOffset(lastSequence) || !isOffset(baseOffset)) {
      return undefined;
    }
    batches.push({ firstSequence, lastSequence, baseOffset });
  }
  return [id, { history: { epoch, batches }, seenWallMs }];
}

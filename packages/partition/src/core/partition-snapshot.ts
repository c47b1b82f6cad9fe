import { decodeJson, encodeJson, shape } from "@stratalog/base";
import { REMEMBERED_BATCHES } from "./producer-history.ts";
import type { ProducerEntry } from "./producer-table.ts";

/**
 * All that a replica derives from its log: a restart loads it and replays only the frames above
 * `index`.
 * `nextOffset` is the end offset after the frame at `index`.
 */
export interface PartitionSnapshot {
  readonly index: number;
  readonly nextOffset: number;
  readonly logStartOffset: number;
  readonly producers: readonly (readonly [producerId: number, entry: ProducerEntry])[];
}

const counter = shape.integer(0);

const snapshotShape = shape.object({
  version: shape.integer(1, 1),
  index: counter,
  nextOffset: counter,
  logStartOffset: counter,
  producers: shape.list(
    shape.object({
      id: counter,
      epoch: counter,
      seenWallMs: counter,
      batches: shape.list(
        shape.object({ firstSequence: counter, lastSequence: counter, baseOffset: counter }),
      ),
    }),
  ),
});

/**
 * Snapshots are JSON: small (a producer takes a few hundred bytes), and read by people when
 * something is wrong.
 */
export function encodePartitionSnapshot(snapshot: PartitionSnapshot): Uint8Array {
  const producers = snapshot.producers.map(([id, { history, seenWallMs }]) => ({
    id,
    epoch: history.epoch,
    seenWallMs,
    batches: history.batches,
  }));
  return encodeJson({ ...snapshot, version: 1, producers });
}

/** The snapshot in the bytes, or undefined when they are not one of this version. */
export function decodePartitionSnapshot(bytes: Uint8Array): PartitionSnapshot | undefined {
  const decoding = decodeJson(bytes, snapshotShape);
  if (!decoding.ok) return undefined;
  const { index, nextOffset, logStartOffset } = decoding.value;
  const producers: (readonly [number, ProducerEntry])[] = [];
  for (const { id, epoch, seenWallMs, batches } of decoding.value.producers) {
    if (batches.length > REMEMBERED_BATCHES) return undefined;
    producers.push([id, { history: { epoch, batches }, seenWallMs }]);
  }
  return { index, nextOffset, logStartOffset, producers };
}

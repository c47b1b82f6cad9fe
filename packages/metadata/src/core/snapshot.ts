import { decodeJson, encodeJson, type JsonDecoding, shape } from "@stratalog/base";
import { emptyImage, type MetadataImage, topicsByName } from "./image.ts";
import { METADATA_RECORD_VERSION, type MetadataRecord, metadataRecordShape } from "./records.ts";
import { replayAll } from "./replay.ts";

/**
 * A snapshot is a short log: the records that make the same image from nothing. There is no second
 * format to keep in step, and a loaded image equals a replayed one because both are replayed.
 */
const snapshotShape = shape.object({
  version: shape.integer(METADATA_RECORD_VERSION, METADATA_RECORD_VERSION),
  records: shape.list(metadataRecordShape),
});

/** The records that make this image from the empty one, in a fixed order. */
export function recordsOf(image: MetadataImage): readonly MetadataRecord[] {
  const records: MetadataRecord[] = [];
  if (image.clusterId !== undefined) {
    const { clusterId, controllerVoters: voters } = image;
    records.push({ type: "cluster-formed", clusterId, voters });
  }
  for (const broker of [...image.brokers.values()].toSorted((a, b) => a.brokerId - b.brokerId)) {
    records.push({ type: "broker-registered", ...broker });
  }
  for (const topic of topicsByName(image)) records.push({ type: "topic-created", ...topic });
  const { nextGroup, nextEpoch, nextProducerId } = image;
  records.push({ type: "counters-raised", nextGroup, nextEpoch, nextProducerId });
  return records;
}

/** The image as bytes. */
export function encodeSnapshot(image: MetadataImage): Uint8Array {
  return encodeJson({ version: METADATA_RECORD_VERSION, records: recordsOf(image) });
}

/** The image of these bytes, or what is wrong with them. */
export function decodeSnapshot(bytes: Uint8Array): JsonDecoding<MetadataImage> {
  const decoded = decodeJson(bytes, snapshotShape);
  if (!decoded.ok) return decoded;
  return { ok: true, value: replayAll(emptyImage(), decoded.value.records) };
}

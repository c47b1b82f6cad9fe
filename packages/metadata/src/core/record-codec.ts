import { shape } from "@stratalog/base";
import { type MetadataRecord, METADATA_RECORD_VERSION, metadataRecordShape } from "./records.ts";

/** A record as a JSON value, with its layout's version. */
export function recordToJson(record: MetadataRecord): unknown {
  return { version: METADATA_RECORD_VERSION, ...record };
}

const versionShape = shape.object({
  version: shape.integer(METADATA_RECORD_VERSION, METADATA_RECORD_VERSION),
});

/** A record from a JSON value; throws a ShapeError when it is none. */
export function recordFromJson(value: unknown): MetadataRecord {
  versionShape.read(value, "record");
  return metadataRecordShape.read(value, "record");
}

import {
  brokerId,
  type ClusterId,
  CodedError,
  decodeJson,
  encodeJson,
  type KeyValueStore,
  type Shaped,
  shape,
} from "@stratalog/base";

/**
 * What was agreed when the cluster was formed. Every broker of the cluster keeps it; it never
 * changes.
 */
export const formationRecordShape = shape.object({
  clusterId: shape.converted(shape.text, (value) => value as ClusterId, "a cluster id"),
  /**
   * The initial voters of the controller's group, each with the data directory that it voted from.
   */
  voters: shape.list(
    shape.object({
      brokerId: shape.converted(shape.integer(), brokerId, "a broker id"),
      directoryId: shape.text,
    }),
  ),
});
export type FormationRecord = Shaped<typeof formationRecordShape>;

const KEY = "formation/record";

/** The record of an earlier start, or undefined. Rejects with STORAGE_DAMAGED. */
export async function loadFormationRecord(
  store: KeyValueStore,
): Promise<FormationRecord | undefined> {
  const bytes = await store.get(KEY);
  if (bytes === undefined) return undefined;
  const decoded = decodeJson(bytes, formationRecordShape);
  if (decoded.ok) return decoded.value;
  throw new CodedError(
    "STORAGE_DAMAGED",
    `the record of the cluster's formation: ${decoded.reason}`,
  );
}

/** Durable when it resolves. */
export function saveFormationRecord(store: KeyValueStore, record: FormationRecord): Promise<void> {
  return store.write([{ type: "put", key: KEY, value: encodeJson(record) }], { sync: true });
}

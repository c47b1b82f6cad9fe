import { brokerId, CodedError, decodeJson, encodeJson, type Shaped, shape } from "@stratalog/base";
import { formationRecordShape } from "./formation-record.ts";

/** Peer call that asks a broker where it stands. */
export const FORMATION_STATUS = "formation.status";

/** What a broker says of itself while a cluster forms. */
const formationStatusShape = shape.object({
  brokerId: shape.converted(shape.integer(), brokerId, "a broker id"),
  directoryId: shape.text,
  /** Its list of seeds, `id@host:port`, sorted. */
  seeds: shape.list(shape.text),
  /** Present once it belongs to a cluster. */
  formed: shape.optional(formationRecordShape),
});
export type FormationStatus = Shaped<typeof formationStatusShape>;

export function encodeFormationStatus(status: FormationStatus): Uint8Array {
  return encodeJson(status);
}

/** Throws UNSUPPORTED_VERSION: the other side speaks something else. */
export function decodeFormationStatus(bytes: Uint8Array): FormationStatus {
  const decoded = decodeJson(bytes, formationStatusShape);
  if (decoded.ok) return decoded.value;
  throw new CodedError("UNSUPPORTED_VERSION", `${FORMATION_STATUS}: ${decoded.reason}`);
}

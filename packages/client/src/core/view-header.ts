import { CodedError, decodeJson, encodeJson, shape } from "@stratalog/base";

/** Where a view stands: what it was folded from, by which fold, up to where. */
export interface ViewHeader {
  readonly topicId: string;
  /** Number of the fold. */
  readonly foldVersion: number;
  /** Offset of the next record by partition number. */
  readonly positions: ReadonlyMap<number, number>;
}

const LAYOUT_VERSION = 1;
const headerShape = shape.object({
  version: shape.integer(LAYOUT_VERSION, LAYOUT_VERSION),
  topicId: shape.text,
  foldVersion: shape.integer(0),
  positions: shape.list(shape.object({ partition: shape.integer(0), offset: shape.integer(0) })),
});

/** The header as bytes. */
export function encodeViewHeader({ topicId, foldVersion, positions }: ViewHeader): Uint8Array {
  const list = [...positions].map(([partition, offset]) => ({ partition, offset }));
  return encodeJson({ version: LAYOUT_VERSION, topicId, foldVersion, positions: list });
}

/** The header of these bytes; STORAGE_DAMAGED when they are none. */
export function decodeViewHeader(bytes: Uint8Array, name: string): ViewHeader {
  const decoded = decodeJson(bytes, headerShape);
  if (!decoded.ok) {
    throw new CodedError(
      "STORAGE_DAMAGED",
      `the snapshot of view ${name} cannot be read (${decoded.reason}): clear it to fold anew`,
      { details: { name } },
    );
  }
  const { topicId, foldVersion, positions } = decoded.value;
  const byPartition = new Map(positions.map(({ partition, offset }) => [partition, offset]));
  return { topicId, foldVersion, positions: byPartition };
}

/** A record's key as the text that a view keeps it under: UTF-8, or hex where it is none. */
export function viewKeyOf(bytes: Uint8Array, asText: string | undefined): string {
  if (asText !== undefined) return asText;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
  return `\u0000${hex.join("")}`;
}

import { decodeUtf8Strict, encodeUtf8 } from "@stratalog/base";

/** A change of a partition that every replica makes at the same place of the log: records below `offset` are gone. */
export interface PartitionCommand {
  readonly type: "log-start";
  readonly offset: number;
}

/** Commands are JSON with a version, so that a later broker may add to them. */
export function encodePartitionCommand(command: PartitionCommand): Uint8Array {
  return encodeUtf8(JSON.stringify({ type: command.type, version: 1, offset: command.offset }));
}

/** The command in a frame's payload, or undefined when it is not one of this version. */
export function decodePartitionCommand(payload: Uint8Array): PartitionCommand | undefined {
  const value = parseJson(payload);
  if (typeof value !== "object" || value === null) return undefined;
  if (!("type" in value) || value.type !== "log-start") return undefined;
  if (!("version" in value) || value.version !== 1) return undefined;
  if (!("offset" in value) || !isOffset(value.offset)) return undefined;
  return { type: "log-start", offset: value.offset };
}

/** The JSON value in UTF-8 bytes, or undefined. */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decodeUtf8Strict(bytes);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    // The only error here is malformed JSON, which this function reports as undefined.
    return undefined;
  }
}

/** Whether a value can be a record offset, an index or another count. */
export function isOffset(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

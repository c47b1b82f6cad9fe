import { decodeJson, encodeJson, shape } from "@stratalog/base";

/**
 * A change of a partition that every replica makes at the same place of the log: records below
 * `offset` are gone.
 */
export interface PartitionCommand {
  readonly type: "log-start";
  readonly offset: number;
}

const commandShape = shape.object({
  version: shape.integer(1, 1),
  type: shape.oneOf(["log-start"]),
  offset: shape.integer(0),
});

/** Commands are JSON with a version, so that a later broker may add to them. */
export function encodePartitionCommand({ type, offset }: PartitionCommand): Uint8Array {
  return encodeJson({ version: 1, type, offset });
}

/** The command in a frame's payload, or undefined when it is not one of this version. */
export function decodePartitionCommand(payload: Uint8Array): PartitionCommand | undefined {
  const decoding = decodeJson(payload, commandShape);
  if (!decoding.ok) return undefined;
  const { type, offset } = decoding.value;
  return { type, offset };
}

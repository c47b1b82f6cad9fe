/**
 * A configuration change as the payload of a frame: version (1), transition, number of steps, per
 * step kind and replica, then the context as a block (empty for none).
 */
import type { ConfChange, ConfChangeKind, ConfChangeStep, ConfChangeTransition } from "raft-ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";

const VERSION = 1;
// The positions in these lists are stored: append only.
const KINDS: readonly ConfChangeKind[] = ["add-voter", "add-learner", "remove", "update"];
const TRANSITIONS: readonly ConfChangeTransition[] = ["auto", "joint-implicit", "joint-explicit"];

/** The payload of a configuration frame. */
export function encodeConfChange(change: ConfChange): Uint8Array {
  const writer = new ByteWriter(64);
  writer.uint8(VERSION).uint8(TRANSITIONS.indexOf(change.transition));
  writer.varint(change.changes.length);
  for (const step of change.changes) {
    writer.uint8(KINDS.indexOf(step.kind)).varint(step.replica);
  }
  return writer.block(change.context ?? new Uint8Array(0)).finish();
}

/** The inverse of {@link encodeConfChange}; undefined when the bytes are none. */
export function decodeConfChange(payload: Uint8Array): ConfChange | undefined {
  const reader = new ByteReader(payload);
  const version = reader.uint8();
  const transition = TRANSITIONS[reader.uint8()];
  const count = reader.varint();
  if (!reader.ok || version !== VERSION || transition === undefined) return undefined;
  if (count > reader.remaining) return undefined;
  const changes: ConfChangeStep[] = [];
  for (let i = 0; i < count; i++) {
    const kind = KINDS[reader.uint8()];
    const replica = reader.varint();
    if (kind === undefined) return undefined;
    changes.push({ kind, replica });
  }
  const context = reader.block();
  if (!reader.ok || reader.remaining > 0) return undefined;
  return context.length === 0 ? { transition, changes } : { transition, changes, context };
}

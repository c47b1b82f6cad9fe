/**
 * A batch of Raft messages between two brokers, of any number of groups:
 *
 * | part       | content                                                                    |
 * | ---------- | -------------------------------------------------------------------------- |
 * | 1 byte     | version                                                                    |
 * | varint     | number of messages                                                         |
 * | rows       | per message: type, group, sender's and receiver's replica epoch, term, and the fields of its type |
 * | frames     | of all appends, in the order of the rows, each header and payload          |
 *
 * Broker ids are not sent: the connection knows both. All numbers are varints.
 */
import { assert, type BrokerId, type GroupNumber, replicaNumber } from "@stratalog/base";
import { replicaIdentity, type ReplicaEpoch, unreachable } from "@stratalog/base";
import type { AppendMessage, ConfState } from "raft-ts";
import type { Frame, FrameCodec } from "../ports/frame.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { entryOf } from "./entry-frames.ts";
import { MalformedMessageError } from "./malformed-message-error.ts";
import { NO_FRAMES, type SnapshotPart, type WireMessage } from "./wire-message.ts";

const VERSION = 1;
const GROUP_MAX = 0xffff_ffff;
const EPOCH_MAX = 0xffff_ffff;
/** A frame has four bytes for its term. A larger one in a message would be a term without end. */
const TERM_MAX = 0xffff_ffff;
/** Replicas of one group in a snapshot; no cluster has as many brokers. */
const REPLICAS_MAX = 1_000;

// The positions in this list are on the wire: append only.
const TYPES = [
  "append",
  "append-response",
  "heartbeat",
  "heartbeat-response",
  "vote-request",
  "pre-vote-request",
  "vote-response",
  "pre-vote-response",
  "timeout-now",
  "snapshot-part",
  "beat",
  "beat-answer",
  "stopped",
] as const satisfies readonly WireMessage["message"]["type"][];

/** Set in a row's type: a heartbeat that asks to rest, or the answer that agrees. */
const RESTS_BIT = 0x80;

/** Who sends and who receives a batch. */
export interface WireEnds {
  readonly from: BrokerId;
  readonly to: BrokerId;
}

/** The parts of one peer message, for a vectored write. Payloads are not copied. */
export function encodeWireMessages(
  messages: readonly WireMessage[],
  codec: FrameCodec,
): readonly Uint8Array[] {
  const rows = new ByteWriter(16 + messages.length * 16);
  rows.uint8(VERSION).varint(messages.length);
  for (const message of messages) writeRow(rows, message);
  const parts = [rows.finish()];
  for (const { group, frames } of messages) {
    for (const frame of frames) parts.push(...codec.encode(group, frame));
  }
  return parts;
}

/**
 * The inverse. Throws MalformedMessageError on any bytes that are not such a batch, without a
 * partial result.
 */
export function decodeWireMessages(
  payload: Uint8Array,
  codec: FrameCodec,
  ends: WireEnds,
): readonly WireMessage[] {
  const reader = new ByteReader(payload);
  if (reader.uint8() !== VERSION) throw new MalformedMessageError("version of a Raft batch");
  const count = reader.varint();
  if (count > reader.remaining) throw new MalformedMessageError(`${count} messages in a batch`);
  const rows: Row[] = [];
  for (let i = 0; i < count; i++) rows.push(readRow(reader, ends));
  if (!reader.ok) throw new MalformedMessageError("a Raft batch ends early");
  const messages = rows.map((row) => withFrames(row, payload, reader, codec));
  if (reader.remaining > 0) throw new MalformedMessageError("bytes after a Raft batch");
  return messages;
}

interface Row {
  readonly group: GroupNumber;
  readonly message: WireMessage["message"];
  readonly frameCount: number;
  readonly rests: boolean;
}

function writeRow(writer: ByteWriter, { group, message, frames, rests }: WireMessage): void {
  writer.uint8(TYPES.indexOf(message.type) | (rests === true ? RESTS_BIT : 0)).varint(group);
  writer.varint(replicaIdentity(message.from).replicaEpoch);
  writer.varint(replicaIdentity(message.to).replicaEpoch);
  writer.varint(message.term);
  switch (message.type) {
    case "append":
      assert(frames.length === message.entries.length, "an append's frames are its entries");
      writer.varint(message.prevIndex).varint(message.prevTerm).varint(message.commit);
      writer.varint(frames.length);
      return;
    case "append-response":
      writer.varint(message.index).uint8(message.reject ? 1 : 0);
      writer.varint(message.hintIndex).varint(message.hintTerm);
      return;
    case "heartbeat":
      writer.varint(message.commit).varint(message.readSequence);
      return;
    case "heartbeat-response":
      writer.varint(message.readSequence);
      return;
    case "vote-request":
    case "pre-vote-request":
      writer
        .varint(message.lastIndex)
        .varint(message.lastTerm)
        .uint8(message.force ? 1 : 0);
      writeCommit(writer, message);
      return;
    case "vote-response":
    case "pre-vote-response":
      writer.uint8(message.reject ? 1 : 0);
      writeCommit(writer, message);
      return;
    case "timeout-now":
    case "stopped":
      return;
    case "snapshot-part":
      writeSnapshotPart(writer, message);
      return;
    case "beat":
    case "beat-answer":
      writer.uint8(message.isReset ? 1 : 0);
      return;
    default:
      unreachable(message, "wire message");
  }
}

/**
 * What is known to be committed, in votes; absent numbers are 0 and the others one more than they
 * are.
 */
interface KnownCommit {
  readonly commit?: number;
  readonly commitTerm?: number;
}

function writeCommit(writer: ByteWriter, { commit, commitTerm }: KnownCommit): void {
  for (const value of [commit, commitTerm]) writer.varint(value === undefined ? 0 : value + 1);
}

function readCommit(reader: ByteReader): KnownCommit {
  const [commit, commitTerm] = [reader.varint(), reader.varint()];
  return {
    ...(commit > 0 && { commit: commit - 1 }),
    ...(commitTerm > 0 && { commitTerm: commitTerm - 1 }),
  };
}

function writeSnapshotPart(writer: ByteWriter, part: SnapshotPart): void {
  writer.varint(part.index).varint(part.snapshotTerm).varint(part.nextOffset);
  const { voters, learners, votersOutgoing, learnersNext, autoLeave } = part.confState;
  for (const replicas of [voters, learners, votersOutgoing, learnersNext]) {
    writer.varint(replicas.length);
    for (const replica of replicas) writer.varint(replica);
  }
  writer
    .uint8(autoLeave ? 1 : 0)
    .varint(part.totalBytes)
    .varint(part.position);
  writer.block(part.bytes);
}

function readRow(reader: ByteReader, ends: WireEnds): Row {
  const first = reader.uint8();
  const type = TYPES[first & ~RESTS_BIT];
  const rests = (first & RESTS_BIT) !== 0;
  const group = reader.varint();
  const from = readReplica(reader, ends.from);
  const to = readReplica(reader, ends.to);
  const term = reader.varint();
  const mayRest = type === "heartbeat" || type === "heartbeat-response";
  const isInRange = group <= GROUP_MAX && term <= TERM_MAX;
  if (!reader.ok || type === undefined || !isInRange || (rests && !mayRest)) {
    throw new MalformedMessageError("row of a Raft batch");
  }
  const envelope = { from, to, term };
  // Checked against its range just above.
  const row = { group: group as GroupNumber, frameCount: 0, rests };
  if (type === "append") {
    const [prevIndex, prevTerm] = [reader.varint(), reader.varint()];
    const message = {
      type,
      ...envelope,
      prevIndex,
      prevTerm,
      commit: reader.varint(),
      entries: [],
    };
    return { ...row, message, frameCount: reader.varint() };
  }
  return { ...row, message: readMessage(reader, type, envelope) };
}

type Envelope = Pick<AppendMessage, "from" | "to" | "term">;

function readMessage(
  reader: ByteReader,
  type: Exclude<(typeof TYPES)[number], "append">,
  envelope: Envelope,
): WireMessage["message"] {
  switch (type) {
    case "append-response": {
      const [index, reject] = [reader.varint(), readFlag(reader)];
      const [hintIndex, hintTerm] = [reader.varint(), reader.varint()];
      return { type, ...envelope, index, reject, hintIndex, hintTerm };
    }
    case "heartbeat": {
      const commit = reader.varint();
      return { type, ...envelope, commit, readSequence: reader.varint() };
    }
    case "heartbeat-response":
      return { type, ...envelope, readSequence: reader.varint() };
    case "vote-request":
    case "pre-vote-request": {
      const [lastIndex, lastTerm] = [reader.varint(), reader.varint()];
      const force = readFlag(reader);
      return { type, ...envelope, lastIndex, lastTerm, force, ...readCommit(reader) };
    }
    case "vote-response":
    case "pre-vote-response": {
      const reject = readFlag(reader);
      return { type, ...envelope, reject, ...readCommit(reader) };
    }
    case "timeout-now":
      return { type, ...envelope };
    case "stopped":
      if (envelope.term !== 0) throw new MalformedMessageError("a stopped replica has no term");
      return { type, ...envelope, term: 0 };
    case "snapshot-part":
      return readSnapshotPart(reader, envelope);
    case "beat":
    case "beat-answer":
      return { type, ...envelope, isReset: readFlag(reader) };
    default:
      return unreachable(type, "wire message");
  }
}

function readSnapshotPart(reader: ByteReader, envelope: Envelope): SnapshotPart {
  const [index, snapshotTerm, nextOffset] = [reader.varint(), reader.varint(), reader.varint()];
  const confState: ConfState = {
    voters: readReplicas(reader),
    learners: readReplicas(reader),
    votersOutgoing: readReplicas(reader),
    learnersNext: readReplicas(reader),
    autoLeave: readFlag(reader),
  };
  const [totalBytes, position, bytes] = [reader.varint(), reader.varint(), reader.block()];
  const part = { index, snapshotTerm, confState, nextOffset, totalBytes, position, bytes };
  return { type: "snapshot-part", ...envelope, ...part };
}

function readReplicas(reader: ByteReader): readonly number[] {
  const count = reader.varint();
  if (count > Math.min(reader.remaining, REPLICAS_MAX)) {
    throw new MalformedMessageError(`${count} replicas`);
  }
  return Array.from({ length: count }, () => reader.varint());
}

function readReplica(reader: ByteReader, broker: BrokerId): number {
  const epoch = reader.varint();
  if (epoch > EPOCH_MAX) throw new MalformedMessageError(`replica epoch ${epoch}`);
  // Checked against its range just above.
  return replicaNumber({ brokerId: broker, replicaEpoch: epoch as ReplicaEpoch });
}

function readFlag(reader: ByteReader): boolean {
  return reader.uint8() === 1;
}

function withFrames(
  row: Row,
  payload: Uint8Array,
  reader: ByteReader,
  codec: FrameCodec,
): WireMessage {
  const { group, message, frameCount, rests } = row;
  if (message.type !== "append") {
    return { group, message, frames: NO_FRAMES, ...(rests && { rests }) };
  }
  if (frameCount > reader.remaining) throw new MalformedMessageError(`${frameCount} frames`);
  const frames: Frame[] = [];
  for (let i = 0; i < frameCount; i++) {
    const decoding = codec.decode(group, payload, reader.position);
    if (!decoding.ok) throw new MalformedMessageError(`frame: ${decoding.reason}`);
    const expectedIndex = message.prevIndex + 1 + i;
    if (decoding.frame.index !== expectedIndex) {
      throw new MalformedMessageError(`frame ${decoding.frame.index} in place of ${expectedIndex}`);
    }
    frames.push(decoding.frame);
    reader.skipTo(decoding.endPosition);
  }
  return { group, message: { ...message, entries: frames.map(entryOf) }, frames };
}

import { isDeepStrictEqual } from "node:util";
import {
  type BrokerId,
  brokerId,
  type GroupNumber,
  type ReplicaEpoch,
  replicaNumber,
} from "@stratalog/base";
import { frameCodec } from "@stratalog/log-store";
import { MalformedMessageError } from "@stratalog/raft-host";
import {
  decodeWireMessages,
  encodeConfChange,
  encodeWireMessages,
  type WireMessage,
} from "@stratalog/raft-host/testing";
import { joined, mutated, oneOf, putUint32, spliced } from "../mutation.ts";
import { type FuzzTarget, must } from "../target.ts";
import { sampleFrames } from "./frames.ts";

const ends = { from: brokerId(1), to: brokerId(2) };
const group = 12 as GroupNumber;

/** Batches of Raft messages between brokers. */
export function raftBatchTarget(): FuzzTarget {
  const messages = sampleMessages();
  const samples = [
    ...messages.map((message) => encode([message])),
    encode(messages),
    encode([...messages, ...messages]),
  ];
  return {
    name: "raft batches",
    casesPerRound: 30_000,
    run(random) {
      const sample = oneOf(samples, random);
      const isSplice = random.below(8) === 0;
      const bytes = isSplice
        ? spliced(sample, oneOf(samples, random), random)
        : mutated(sample, random);
      // A number of messages or frames that nobody sent.
      if (random.below(16) === 0) putUint32(bytes, 1 + random.below(4), 0xffff_ff0f);
      const decoded = decodedOrRefused(bytes);
      if (decoded === undefined) return;
      must(decoded.length <= bytes.length, "more messages than bytes");
      const again = decodeWireMessages(encode(decoded), frameCodec, ends);
      must(
        isDeepStrictEqual(plain(again), plain(decoded)),
        "a batch is not written as it was read",
      );
    },
  };
}

function decodedOrRefused(bytes: Uint8Array): readonly WireMessage[] | undefined {
  try {
    return decodeWireMessages(bytes, frameCodec, ends);
  } catch (error) {
    must(error instanceof MalformedMessageError, `a decoder throws ${String(error)}`);
    return undefined;
  }
}

function encode(messages: readonly WireMessage[]): Uint8Array {
  return joined(encodeWireMessages(messages, frameCodec));
}

/** Without what frames remember of the bytes that they were read from. */
function plain(messages: readonly WireMessage[]): unknown {
  return messages.map(({ message, frames, ...rest }) => ({
    ...rest,
    message: "entries" in message ? { ...message, entries: message.entries.length } : message,
    frames: frames.map(({ kind, term, index, baseOffset, span, payload }) => {
      return { kind, term, index, baseOffset, span, payload: Buffer.from(payload).toString("hex") };
    }),
  }));
}

/** A message of every type, between replicas of these epochs. */
export function sampleMessages(fromEpoch = 9, toEpoch = 7): readonly WireMessage[] {
  const replica = (broker: BrokerId, epoch: number): number =>
    replicaNumber({ brokerId: broker, replicaEpoch: epoch as ReplicaEpoch });
  const from = replica(ends.from, fromEpoch);
  const to = replica(ends.to, toEpoch);
  const envelope = { from, to, term: 5 };
  const bare = (message: WireMessage["message"]): WireMessage => ({ group, message, frames: [] });
  const confState = {
    voters: [from, to],
    learners: [3],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: true,
  };
  const part = {
    index: 8,
    snapshotTerm: 4,
    confState,
    nextOffset: 2 ** 45,
    totalBytes: 9,
    position: 3,
    bytes: new Uint8Array([1, 2]),
  };
  return [
    bare({ type: "heartbeat", ...envelope, commit: 2 ** 45, readSequence: 3 }),
    bare({ type: "heartbeat-response", ...envelope, readSequence: 0 }),
    bare({
      type: "append-response",
      ...envelope,
      index: 8,
      reject: true,
      hintIndex: 6,
      hintTerm: 2,
    }),
    bare({ type: "vote-request", ...envelope, lastIndex: 9, lastTerm: 4, force: true }),
    bare({ type: "vote-response", ...envelope, reject: true, commit: 0, commitTerm: 3 }),
    bare({ type: "timeout-now", ...envelope }),
    bare({ type: "snapshot-part", ...envelope, ...part }),
    bare({ type: "beat", ...envelope, isReset: true }),
    appendOf(from, to),
  ];
}

/** An append of frames of all kinds, a change of the configuration among them. */
function appendOf(from: number, to: number): WireMessage {
  const stored = sampleFrames();
  const payload = encodeConfChange({ transition: "auto", changes: [] });
  const config = { kind: "config", term: 3, index: 9, baseOffset: 103, span: 0, payload } as const;
  const frames = [...stored, frameCodec.create(config)];
  const entries = frames.map(({ index, term }) => ({
    type: "normal" as const,
    index,
    term,
    data: undefined,
  }));
  const place = { prevIndex: 5, prevTerm: 2, commit: 4 };
  return { group, message: { type: "append", from, to, term: 3, ...place, entries }, frames };
}

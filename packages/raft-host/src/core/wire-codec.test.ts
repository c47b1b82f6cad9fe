import { brokerId, type GroupNumber, type ReplicaEpoch, replicaNumber } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Frame } from "../ports/frame.ts";
import { plainFrameCodec as codec } from "../testing/plain-frame-codec.ts";
import { encodeConfChange } from "./conf-change-codec.ts";
import { entryOf } from "./entry-frames.ts";
import { MalformedMessageError } from "./malformed-message-error.ts";
import { decodeWireMessages, encodeWireMessages } from "./wire-codec.ts";
import type { WireMessage } from "./wire-message.ts";

const ends = { from: brokerId(1), to: brokerId(2) };
const from = replicaNumber({ brokerId: ends.from, replicaEpoch: 9 as ReplicaEpoch });
const to = replicaNumber({ brokerId: ends.to, replicaEpoch: 7 as ReplicaEpoch });
const group = 12 as GroupNumber;
const large = 2 ** 45;

function frame(index: number, fields: Partial<Frame> = {}): Frame {
  const payload = new Uint8Array([1, 2, index & 0xff]);
  const base = { kind: "data" as const, term: 3, baseOffset: 100 + index, span: 1, payload };
  return codec.create({ ...base, index, ...fields });
}

function append(frames: readonly Frame[], prevIndex: number): WireMessage {
  const entries = frames.map(entryOf);
  const fields = { prevIndex, prevTerm: 2, commit: 4, entries };
  return { group, message: { type: "append", from, to, term: 3, ...fields }, frames };
}

const confState = {
  voters: [from, to],
  learners: [3],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: true,
};
const envelope = { from, to, term: 5 };
const plain = (message: WireMessage["message"]): WireMessage => ({ group, message, frames: [] });
const part = {
  index: 8,
  snapshotTerm: 4,
  confState,
  nextOffset: large,
  totalBytes: 9,
  position: 3,
};
const samples: readonly WireMessage[] = [
  append([frame(6), frame(7, { kind: "noop", span: 0, payload: new Uint8Array(0) })], 5),
  append([], large),
  plain({ type: "heartbeat", ...envelope, commit: large, readSequence: 3 }),
  plain({ type: "heartbeat-response", ...envelope, readSequence: 0 }),
  plain({
    type: "append-response",
    ...envelope,
    index: 8,
    reject: true,
    hintIndex: 6,
    hintTerm: 2,
  }),
  plain({ type: "vote-request", ...envelope, lastIndex: 9, lastTerm: 4, force: true }),
  plain({ type: "pre-vote-request", ...envelope, lastIndex: 9, lastTerm: 4, force: false }),
  plain({ type: "vote-response", ...envelope, reject: false }),
  plain({ type: "vote-response", ...envelope, reject: true, commit: 0, commitTerm: large }),
  plain({ type: "pre-vote-response", ...envelope, reject: true }),
  plain({ type: "timeout-now", ...envelope }),
  plain({ type: "snapshot-part", ...envelope, ...part, bytes: new Uint8Array([1, 2]) }),
  append(
    [frame(1, { kind: "config", payload: encodeConfChange({ transition: "auto", changes: [] }) })],
    0,
  ),
];

function encode(messages: readonly WireMessage[]): Uint8Array {
  return new Uint8Array(encodeWireMessages(messages, codec).flatMap((bytes) => [...bytes]));
}

describe("the codec of Raft batches", () => {
  it("carries every kind of message, in order, frames with their entries", () => {
    expect(decodeWireMessages(encode(samples), codec, ends)).toEqual(samples);
  });

  it("passes payloads on without a copy", () => {
    const sent = frame(1);
    expect(encodeWireMessages([append([sent], 0)], codec)).toContain(sent.payload);
  });

  it("keeps a heartbeat below twenty bytes", () => {
    const beat = plain({ type: "heartbeat", ...envelope, commit: 1_000_000, readSequence: 0 });
    expect(encode([beat]).length).toBeLessThan(20);
  });

  it("refuses a batch that is cut anywhere", () => {
    const bytes = encode(samples);
    for (let end = 0; end < bytes.length; end++) {
      expect(() => decodeWireMessages(bytes.subarray(0, end), codec, ends)).toThrow(
        MalformedMessageError,
      );
    }
  });

  it("throws nothing else than MalformedMessageError on changed or arbitrary bytes", () => {
    const bytes = encode(samples);
    const position = fc.integer({ min: 0, max: bytes.length - 1 });
    const decodes = (input: Uint8Array): boolean => {
      try {
        decodeWireMessages(input, codec, ends);
        return true;
      } catch (error) {
        return error instanceof MalformedMessageError;
      }
    };
    fc.assert(
      fc.property(position, fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const changed = new Uint8Array(bytes);
        changed[at] = byte;
        return decodes(changed);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (rest) =>
        decodes(new Uint8Array([1, ...rest])),
      ),
    );
  });

  it("refuses frames of another group, and frames that do not follow the previous index", () => {
    const bytes = encode([append([frame(6)], 5)]);
    const wrongIndex = encode([append([frame(6)], 4)]);
    expect(() => decodeWireMessages(wrongIndex, codec, ends)).toThrow("frame 6 in place of 5");
    bytes[3] = 13;
    expect(() => decodeWireMessages(bytes, codec, ends)).toThrow("bad-checksum");
  });

  it("refuses terms that no frame can hold, and memberships larger than any cluster", () => {
    const bare = { type: "timeout-now", from, to } as const;
    expect(
      decodeWireMessages(encode([plain({ ...bare, term: 2 ** 32 - 1 })]), codec, ends),
    ).toEqual([plain({ ...bare, term: 2 ** 32 - 1 })]);
    const endless = encode([plain({ ...bare, term: 2 ** 32 })]);
    expect(() => decodeWireMessages(endless, codec, ends)).toThrow("row of a Raft batch");
    const voters = Array.from({ length: 1_001 }, (_, index) => index + 1);
    const crowd = { ...part, confState: { ...confState, voters }, bytes: new Uint8Array(0) };
    const snapshot = encode([plain({ type: "snapshot-part", ...envelope, ...crowd })]);
    expect(() => decodeWireMessages(snapshot, codec, ends)).toThrow("1001 replicas");
  });
});

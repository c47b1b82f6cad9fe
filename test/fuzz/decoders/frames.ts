import { encodeUtf8 } from "@stratalog/base";
import { decodeFrame, encodeFrame, createFrame, type LogFrame } from "@stratalog/log-store";
import { BatchBuilder, patchBaseOffset, patchLeaderEpoch } from "@stratalog/record-batch";
import { joined, mutated, oneOf, spliced } from "../mutation.ts";
import { type FuzzTarget, must } from "../target.ts";

const GROUP = 12;
const TERM = 3;
const PREFIX_BYTES_MAX = 8;
const REASONS: ReadonlySet<string> = new Set([
  "truncated",
  "bad-magic",
  "bad-checksum",
  "bad-length",
]);

/** Frames of the log: what lies on disk and comes from other brokers. */
export function frameTarget(): FuzzTarget {
  const samples = sampleFrames().map((frame) => joined(encodeFrame(GROUP, frame)));
  const known = new Set(samples.map(textOf));
  return {
    name: "frames",
    casesPerRound: 50_000,
    run(random) {
      const sample = oneOf(samples, random);
      const isSplice = random.below(8) === 0;
      const changed = isSplice
        ? spliced(sample, oneOf(samples, random), random)
        : mutated(sample, random);
      const position = random.below(PREFIX_BYTES_MAX);
      const bytes = joined([random.bytes(position), changed]);
      const group = random.below(16) === 0 ? GROUP + 1 : GROUP;
      const decoding = decodeFrame(group, bytes, position);
      if (!decoding.ok) {
        must(REASONS.has(decoding.reason), `a refusal for ${decoding.reason}`);
        return;
      }
      const { frame, endPosition } = decoding;
      must(group === GROUP, "a frame of another group is accepted");
      must(endPosition <= bytes.length, "a frame beyond its bytes");
      const taken = bytes.subarray(position, endPosition);
      must(known.has(textOf(taken)), "a changed frame is accepted");
      const again = joined(encodeFrame(GROUP, frame));
      must(Buffer.compare(again, taken) === 0, "a frame is not written as it was read");
    },
  };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

/** Frames of every kind. */
export function sampleFrames(): readonly LogFrame[] {
  const span = 3;
  const builder = new BatchBuilder();
  for (let index = 0; index < span; index++) {
    builder.append({ key: null, value: encodeUtf8(`record ${index}`), timestampMs: 1_000 + index });
  }
  const batch = builder.build();
  patchBaseOffset(batch, 0, 100);
  patchLeaderEpoch(batch, 0, TERM);
  const plain = { term: TERM, baseOffset: 103, span: 0 };
  const empty = new Uint8Array(0);
  return [
    createFrame({ kind: "data", term: TERM, index: 6, baseOffset: 100, span, payload: batch }),
    createFrame({ kind: "noop", ...plain, index: 7, payload: empty }),
    createFrame({ kind: "command", ...plain, index: 8, payload: encodeUtf8('{"type":"x"}') }),
  ];
}

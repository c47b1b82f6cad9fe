import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { messageCodec } from "./definitions.ts";
import type { ProduceStreamRequest } from "./gen/produce.ts";
import { encodeProduceParts } from "./produce-message.ts";

const codec = messageCodec<ProduceStreamRequest>("ProduceStreamRequest");

describe("encodeProduceParts", () => {
  it("says what the codec says, for any appends", () => {
    const append = fc.record(
      {
        correlation: fc.nat(),
        topic: fc.string({ maxLength: 200 }),
        partition: fc.nat(),
        batch: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
        acks: fc.constantFrom("ACKS_ALL" as const, "ACKS_LEADER" as const),
        expectedOffset: fc.nat(),
        timeoutMs: fc.nat(),
        topicId: fc.string({ maxLength: 36 }),
      },
      { requiredKeys: ["correlation", "batch"] },
    );
    fc.assert(
      fc.property(fc.array(append, { maxLength: 4 }), (appends) => {
        const decoded = codec.decode(Buffer.concat(encodeProduceParts({ appends })));
        expect(decoded).toEqual(codec.decode(codec.encode({ appends })));
      }),
    );
  });

  it("leaves a batch where it is", () => {
    const batch = new Uint8Array(300_000);
    const parts = encodeProduceParts({ appends: [{ correlation: 1, topic: "t", batch }] });
    expect(parts).toContain(batch);
    expect(codec.decode(Buffer.concat(parts)).appends[0]?.batch).toHaveLength(batch.length);
  });
});

// A second opinion on the format: what we write kafkajs must read, and what kafkajs writes we must
// read.
import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BatchBuilder } from "../core/batch-builder.ts";
import { validateBatch } from "../core/batch-validation.ts";
import { patchBaseOffset } from "../core/header.ts";
import { compressBatch, decodeBatch } from "./codecs.ts";

interface KafkaRecord {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Record<string, Uint8Array>;
}

const load = createRequire(import.meta.url);
const Decoder = load("kafkajs/src/protocol/decoder") as new (bytes: Uint8Array) => object;
const decodeTheirs = load("kafkajs/src/protocol/recordBatch/v0/decoder") as (
  decoder: object,
) => Promise<{ readonly producerId: string; readonly records: readonly KafkaRecord[] }>;
const { RecordBatch } = load("kafkajs/src/protocol/recordBatch/v0") as {
  readonly RecordBatch: (options: object) => Promise<{ buffer: Uint8Array }>;
};
const encodeRecord = load("kafkajs/src/protocol/recordBatch/record/v0") as (o: object) => object;
const Long = load("kafkajs/src/utils/long") as { fromValue(value: number): object };

const BASE = 1_700_000_000_000;
const NUMBER = { none: 0, gzip: 1 } as const;

const bytesArbitrary = fc.option(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  { nil: null },
);
const recordArbitrary = fc.record({
  key: bytesArbitrary,
  value: bytesArbitrary,
  header: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  delta: fc.integer({ min: -1_000_000, max: 5_000_000_000 }),
});
const batchArbitrary = fc.array(recordArbitrary, { minLength: 1, maxLength: 15 });

describe.each(["none", "gzip"] as const)("with compression %s", (compression) => {
  test("kafkajs reads what we write", async () => {
    await fc.assert(
      fc.asyncProperty(batchArbitrary, async (records) => {
        const builder = new BatchBuilder({ producerId: 77, producerEpoch: 1, baseSequence: 0 });
        for (const { key, value, header, delta } of records) {
          const headers = [{ key: "name", value: header }];
          builder.append({ key, value, headers, timestampMs: BASE + delta });
        }
        const batch = await compressBatch(builder.build(), compression);
        patchBaseOffset(batch, 0, 5_000_000_000);
        const theirs = await decodeTheirs(new Decoder(Buffer.from(batch)));
        expect(theirs.producerId).toBe("77");
        expect(theirs.records.map(plain)).toEqual(
          records.map(({ key, value, header, delta }, index) => ({
            offset: String(5_000_000_000 + index),
            timestamp: String(BASE + delta),
            key: hex(key),
            value: hex(value),
            header: hex(header),
          })),
        );
      }),
      { numRuns: 60 },
    );
  });

  test("we read what kafkajs writes, and accept it as a broker", async () => {
    await fc.assert(
      fc.asyncProperty(batchArbitrary, async (records) => {
        const encoded = records.map(({ key, value, header, delta }, index) =>
          encodeRecord({
            offsetDelta: index,
            timestampDelta: Long.fromValue(delta),
            key,
            value,
            headers: { name: header },
          }),
        );
        const { buffer } = await RecordBatch({
          compression: NUMBER[compression],
          firstTimestamp: BASE,
          maxTimestamp: BASE + Math.max(...records.map(({ delta }) => delta)),
          lastOffsetDelta: records.length - 1,
          records: encoded,
        });
        expect(validateBatch(buffer, { maxBytes: 1 << 20 })).toMatchObject({ ok: true });
        const ours = [...decodeBatch(buffer)];
        expect(ours.map((record) => record.timestampMs)).toEqual(
          records.map(({ delta }) => BASE + delta),
        );
        expect(ours.map((record) => hex(record.key))).toEqual(records.map(({ key }) => hex(key)));
        expect(ours.map((record) => hex(record.value))).toEqual(
          records.map(({ value }) => hex(value)),
        );
        expect(ours.map((record) => hex(record.headers[0]?.value))).toEqual(
          records.map(({ header }) => hex(header)),
        );
      }),
      { numRuns: 60 },
    );
  });
});

function plain(record: KafkaRecord): object {
  const { offset, timestamp, key, value, headers } = record;
  return { offset, timestamp, key: hex(key), value: hex(value), header: hex(headers["name"]) };
}

function hex(bytes: Uint8Array | null | undefined): string | null {
  return bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString("hex");
}

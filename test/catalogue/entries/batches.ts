import { produce } from "../attacks.ts";
import { section, type Row } from "../entry.ts";
import { goodBatch, sealed } from "./sample-batch.ts";

/** Where the fields of a batch are. */
const AT = {
  length: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const;
const PRODUCER = { producerId: 9_999, producerEpoch: 0, baseSequence: 0 };

/** Made once, so that the memory of an attack is the broker's. */
const LARGE = goodBatch({}, 400_000);

/** Some bytes changed, the checksum left as it was. */
function changed(change: (bytes: DataView) => void): Uint8Array {
  const batch = goodBatch();
  change(new DataView(batch.buffer, batch.byteOffset, batch.byteLength));
  return batch;
}

const withAttributes = (bits: number): Uint8Array =>
  sealed((bytes) => bytes.setInt16(AT.attributes, bits));
const withCounts = (count: number, delta: number): Uint8Array =>
  sealed((bytes) => {
    bytes.setInt32(AT.recordCount, count);
    bytes.setInt32(AT.lastOffsetDelta, delta);
  });

const ROWS: readonly Row[] = [
  ["no bytes at all", produce(new Uint8Array(0)), "CORRUPT_BATCH"],
  ["the first 30 bytes of a batch", produce(goodBatch().subarray(0, 30)), "CORRUPT_BATCH"],
  ["a wrong checksum", produce(changed((bytes) => bytes.setUint32(AT.crc, 7))), "CORRUPT_BATCH"],
  [
    "a changed byte of a record",
    produce(changed((bytes) => bytes.setUint8(70, 0xff))),
    "CORRUPT_BATCH",
  ],
  [
    "the format of message sets 1",
    produce(changed((bytes) => bytes.setUint8(AT.magic, 1))),
    "CORRUPT_BATCH",
  ],
  [
    "a format that is not there yet",
    produce(changed((bytes) => bytes.setUint8(AT.magic, 3))),
    "CORRUPT_BATCH",
  ],
  [
    "a length that is one too large",
    produce(changed((bytes) => bytes.setInt32(AT.length, bytes.getInt32(AT.length) + 1))),
    "CORRUPT_BATCH",
  ],
  [
    "a negative length",
    produce(changed((bytes) => bytes.setInt32(AT.length, -1))),
    "CORRUPT_BATCH",
  ],
  [
    "two batches one after the other",
    produce(Buffer.concat([goodBatch(), goodBatch()])),
    "CORRUPT_BATCH",
  ],
  ["a batch of no records", produce(withCounts(0, -1)), "CORRUPT_BATCH"],
  ["one record more than there are", produce(withCounts(4, 2)), "CORRUPT_BATCH"],
  [
    "2,147,483,647 records in 100 bytes",
    produce(withCounts(2 ** 31 - 1, 2 ** 31 - 2)),
    "CORRUPT_BATCH",
  ],
  ["minus one records", produce(withCounts(-1, -2)), "CORRUPT_BATCH"],
  ["a batch above max.message.bytes", produce(LARGE), "MESSAGE_TOO_LARGE"],
  ["records compressed by snappy", produce(withAttributes(2)), "UNSUPPORTED_COMPRESSION"],
  ["records compressed by lz4", produce(withAttributes(3)), "UNSUPPORTED_COMPRESSION"],
  ["records compressed by codec 7", produce(withAttributes(7)), "UNSUPPORTED_COMPRESSION"],
  ["a control batch", produce(withAttributes(0x20)), "INVALID_REQUEST"],
  ["a transaction without a producer", produce(withAttributes(0x10)), "INVALID_REQUEST"],
  [
    "a producer with epoch -1",
    produce(sealed((bytes) => bytes.setInt16(AT.producerEpoch, -1), goodBatch(PRODUCER))),
    "INVALID_REQUEST",
  ],
  [
    "a sequence of -1",
    produce(sealed((bytes) => bytes.setInt32(AT.baseSequence, -1), goodBatch(PRODUCER))),
    "INVALID_REQUEST",
  ],
  [
    "producer 2^63 - 1",
    produce(
      sealed((bytes) => bytes.setBigInt64(AT.producerId, 2n ** 63n - 1n), goodBatch(PRODUCER)),
    ),
    "INVALID_REQUEST",
  ],
  [
    "an idempotent batch for less than all",
    produce(goodBatch(PRODUCER), { acks: "ACKS_NONE" }),
    "INVALID_REQUEST",
    "open",
  ],
  [
    "a batch for a topic of another identity",
    produce(goodBatch(), {
      topicId: "5a8e4a4e-0000-4000-8000-000000000009",
    }),
    "UNKNOWN_TOPIC_OR_PARTITION",
  ],
  [
    "a batch for the cluster's own topic",
    produce(goodBatch(), { topic: "__groups" }),
    "INVALID_TOPIC",
    "UNKNOWN_TOPIC_OR_PARTITION",
  ],
  ["a batch for no topic", produce(goodBatch(), { topic: "" }), "INVALID_TOPIC"],
];

/** Record batches. */
export const BATCHES = section("batches", ROWS);

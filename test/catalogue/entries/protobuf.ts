import { gzipSync } from "node:zlib";
import { grpcFrame } from "../../fuzz/live/raw-client.ts";
import { rawBytes, rawMessage, stream } from "../attacks.ts";
import { section, type Row } from "../entry.ts";

const DESCRIBE = "AdminService/DescribeTopic";
const METADATA = "MetadataService/GetMetadata";
const PRODUCE = "ProduceService/ProduceStream";
const SESSION = "GroupService/GroupSession";
/** gRPC's numbers of statuses. */
const [OK, INVALID_ARGUMENT, DEADLINE, EXHAUSTED, UNIMPLEMENTED, INTERNAL] = [0, 3, 4, 8, 12, 13];
const UNSUPPORTED_MEDIA_TYPE = 415;

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const repeated = (count: number, ...values: number[]): Uint8Array =>
  Uint8Array.from({ length: count * values.length }, (_, at) => values[at % values.length] ?? 0);
const empty = new Uint8Array(0);
/** Field 1 as a text. */
const text = (...characters: number[]): Uint8Array => bytes(0x0a, characters.length, ...characters);
const compressed = (payload: Uint8Array): Buffer => grpcFrame(payload, { flags: 1 });
const gzip = { headers: { "grpc-encoding": "gzip" } };
const timeout = (value: string) => ({ headers: { "grpc-timeout": value } });
/** Zeros that are a thousandth of themselves when they come. */
const bomb = compressed(gzipSync(Buffer.alloc(64 * 1024 * 1024)));
const nested = (depth: number): Uint8Array =>
  Buffer.concat([Buffer.alloc(depth, 0x7b), Buffer.alloc(depth, 0x7c)]);

const ROWS: readonly Row[] = [
  ["a field that is cut off", rawMessage(DESCRIBE, bytes(0x0a, 0xff)), "INVALID_REQUEST"],
  [
    "a length of 2^64 - 1",
    rawMessage(DESCRIBE, bytes(0x0a, ...repeated(9, 0xff), 1)),
    "INVALID_REQUEST",
    "INVALID_TOPIC",
  ],
  [
    "a varint of eleven bytes",
    rawMessage(DESCRIBE, bytes(0x08, ...repeated(11, 0xff))),
    "INVALID_REQUEST",
    "INVALID_TOPIC",
  ],
  [
    "a number where a text should be",
    rawMessage(DESCRIBE, bytes(0x08, 5)),
    "INVALID_REQUEST",
    "INVALID_TOPIC",
  ],
  [
    "a field with number 0",
    rawMessage(DESCRIBE, bytes(0x02, 0)),
    "INVALID_REQUEST",
    "INVALID_TOPIC",
  ],
  [
    "an end of a group that never began",
    rawMessage(DESCRIBE, bytes(0x0c)),
    "INVALID_REQUEST",
    "INVALID_TOPIC",
  ],
  [
    "groups in groups, 10,000 deep",
    rawMessage(DESCRIBE, nested(10_000)),
    "INVALID_REQUEST",
    "INVALID_TOPIC",
  ],
  ["groups in groups, 500,000 deep", rawMessage(DESCRIBE, nested(500_000)), "INVALID_REQUEST"],
  [
    "a text that is no UTF-8",
    rawMessage(DESCRIBE, text(0xc3, 0x28, 0xff)),
    "INVALID_REQUEST",
    "INVALID_TOPIC",
  ],
  [
    "a field twice",
    rawMessage(DESCRIBE, Buffer.concat([text(0x61), text(0x62)])),
    "UNKNOWN_TOPIC_OR_PARTITION",
  ],
  [
    "100,000 fields that nobody knows",
    rawMessage(DESCRIBE, repeated(100_000, 0x7a, 1, 0x20)),
    "INVALID_TOPIC",
  ],
  [
    "an enum's value that is none",
    stream(PRODUCE, { appends: [{ correlation: 1, acks: 99 }] }),
    "INVALID_REQUEST",
  ],
  ["no command at all", stream("FetchService/Consume", {}), "INVALID_REQUEST"],
  [
    "two commands in one message",
    rawBytes("FetchService/Consume", grpcFrame(bytes(0x3a, 2, 8, 1, 0x22, 0)), { ends: false }),
    "INVALID_REQUEST",
    "open",
    "answered",
  ],
  [
    "100,000 topics that a member owns",
    rawBytes(
      SESSION,
      grpcFrame(Buffer.concat([bytes(0x12, 0xc0, 0x9a, 0x0c), repeated(100_000, 0x12, 0)])),
      {
        ends: false,
        waitMs: 8_000,
      },
    ),
    "INVALID_REQUEST",
  ],
  ["a body that is empty", rawBytes(DESCRIBE, empty), INTERNAL, UNIMPLEMENTED],
  [
    "a message that claims 4 GiB",
    rawBytes(METADATA, grpcFrame(empty, { length: 2 ** 32 - 1 })),
    EXHAUSTED,
  ],
  [
    "a message that ends early",
    rawBytes(METADATA, grpcFrame(bytes(1, 2), { length: 900 })),
    INTERNAL,
    INVALID_ARGUMENT,
    UNIMPLEMENTED,
    "closed",
  ],
  [
    "half of a message, and nothing more",
    rawBytes(PRODUCE, grpcFrame(Buffer.alloc(512 * 1024), { length: 1024 * 1024 }), {
      ends: false,
    }),
    "open",
  ],
  [
    "two messages where one should be",
    rawBytes(METADATA, Buffer.concat([grpcFrame(empty), grpcFrame(empty)])),
    OK,
    INTERNAL,
    UNIMPLEMENTED,
    "answered",
  ],
  [
    "a compressed message without an encoding",
    rawBytes(METADATA, compressed(bytes(1, 2, 3))),
    INTERNAL,
    UNIMPLEMENTED,
    "INVALID_REQUEST",
  ],
  [
    "an encoding that nobody knows",
    rawBytes(METADATA, compressed(empty), { headers: { "grpc-encoding": "lz9" } }),
    UNIMPLEMENTED,
  ],
  ["gzip that is none", rawBytes(METADATA, compressed(repeated(22, 0x55)), gzip), INTERNAL],
  [
    "gzip that is cut off",
    rawBytes(METADATA, compressed(gzipSync(Buffer.alloc(9_000)).subarray(0, 20)), gzip),
    INTERNAL,
  ],
  ["gzip of nothing", rawBytes(METADATA, compressed(empty), gzip), INTERNAL, "answered"],
  ["64 MiB of zeros in 64 KiB of gzip", rawBytes(METADATA, bomb, gzip), EXHAUSTED],
  [
    "flags that mean nothing",
    rawBytes(METADATA, grpcFrame(empty, { flags: 0xfe })),
    INTERNAL,
    "answered",
    UNIMPLEMENTED,
  ],
  [
    "a deadline in eleven thousand years",
    rawBytes(METADATA, grpcFrame(empty), timeout("99999999H")),
    "answered",
    DEADLINE,
  ],
  ["a deadline that is no time", rawBytes(METADATA, grpcFrame(empty), timeout("soon")), INTERNAL],
  [
    "a deadline in the past",
    rawBytes(METADATA, grpcFrame(empty), timeout("-1S")),
    INTERNAL,
    "answered",
  ],
  [
    "binary metadata that is no base64",
    rawBytes(METADATA, grpcFrame(empty), { headers: { "x-bin": "%%%%" } }),
    "answered",
    INTERNAL,
  ],
  [
    "JSON by its content type",
    rawBytes(METADATA, grpcFrame(empty), { headers: { "content-type": "application/json" } }),
    UNSUPPORTED_MEDIA_TYPE,
  ],
  [
    "a header of 60,000 bytes",
    rawBytes(METADATA, grpcFrame(empty), { headers: { "x-large": "y".repeat(60_000) } }),
    431,
    "closed",
  ],
];

/** Messages of protobuf and gRPC. */
export const PROTOBUF = section("protobuf", ROWS);

import { CodedError } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { messageCodec, serverDefinition, serviceDefinition } from "./definitions.ts";
import type { BatchAppend, ProduceStreamRequest, WireRecord } from "./index.ts";
import { Malformed } from "./malformed.ts";
import { acksFromWire, acksToWire } from "./wire-acks.ts";
import { checkCount, numberFromWire, offsetFromWire } from "./wire-number.ts";
import {
  type RecordToSend,
  recordFromAnswer,
  recordFromWire,
  recordToWire,
} from "./wire-record.ts";

const recordCodec = messageCodec<WireRecord>("Record");
const appendCodec = messageCodec<BatchAppend>("BatchAppend");

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return CodedError.from(error).code;
  }
  return "none";
}

describe("messages", () => {
  it("keep batches as views of the message that they came in", () => {
    const codec = messageCodec<ProduceStreamRequest>("ProduceStreamRequest");
    const bytes = codec.encode({ appends: [{ topic: "a", batch: new Uint8Array(1_000).fill(7) }] });
    const batch = codec.decode(bytes).appends[0]?.batch;
    expect(batch?.length).toBe(1_000);
    expect(batch?.buffer).toBe(bytes.buffer);
  });

  it("tell an absent optional number from zero", () => {
    expect(appendCodec.decode(appendCodec.encode({})).expectedOffset).toBeUndefined();
    const zero = appendCodec.decode(appendCodec.encode({ expectedOffset: 0 }));
    expect(zero.expectedOffset).toBe(0);
  });

  it("carry every safe integer exactly", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (correlation) => {
        const back = appendCodec.decode(appendCodec.encode({ correlation }));
        expect(back.correlation).toBe(correlation);
      }),
    );
  });

  it("never make a safe integer of one that is not", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }), (value) => {
        const bytes: number[] = [0x30];
        let rest = value;
        for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
        bytes.push(Number(rest));
        const { expectedOffset = 0 } = appendCodec.decode(Buffer.from(bytes));
        expect(codeOf(() => offsetFromWire(expectedOffset, "offset"))).toBe("INVALID_REQUEST");
      }),
    );
  });

  it("that are not protobuf become values on the server, whatever the bytes", () => {
    const plain = serviceDefinition("ProduceService")["ProduceStream"];
    const guarded = serverDefinition("ProduceService")["ProduceStream"];
    expect(() => plain?.requestDeserialize(Buffer.from([0x0a, 0xff]))).toThrow();
    expect(guarded?.requestDeserialize(Buffer.from([0x0a, 0xff]))).toBeInstanceOf(Malformed);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(() => guarded?.requestDeserialize(Buffer.from(bytes))).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("wire numbers", () => {
  it("take zero for the default and refuse what is out of range", () => {
    const rule = { name: "max_records", absent: 500, min: 1, max: 10_000 };
    expect(numberFromWire(0, rule)).toBe(500);
    expect(numberFromWire(10_000, rule)).toBe(10_000);
    expect(codeOf(() => numberFromWire(10_001, rule))).toBe("INVALID_REQUEST");
    expect(codeOf(() => offsetFromWire(-1, "offset"))).toBe("INVALID_REQUEST");
    expect(codeOf(() => checkCount([], { name: "x", min: 1, max: 2 }))).toBe("INVALID_REQUEST");
    expect(codeOf(() => checkCount([1, 2], { name: "x", min: 1, max: 2 }))).toBe("none");
  });
});

describe("acks", () => {
  it("map both ways, default to all, and refuse unknown numbers", () => {
    for (const acks of ["all", "leader", "none"] as const) {
      expect(acksFromWire(acksToWire(acks))).toBe(acks);
    }
    expect(acksFromWire("ACKS_UNSPECIFIED")).toBe("all");
    const decoded = appendCodec.decode(Buffer.from([0x28, 0x63]));
    expect(codeOf(() => acksFromWire(decoded.acks))).toBe("INVALID_REQUEST");
  });
});

describe("records", () => {
  const bytes = fc.uint8Array({ maxLength: 40 });
  const nullable = fc.option(bytes, { nil: null });
  const header = fc.record({ key: fc.string({ maxLength: 10 }), value: nullable });
  const record = fc.record({
    offset: fc.maxSafeNat(),
    timestampMs: fc.maxSafeNat().map((n) => n % 2 ** 51),
    key: nullable,
    value: nullable,
    headers: fc.array(header, { maxLength: 5 }),
  });

  it("survive the wire: null stays null, empty stays empty", () => {
    fc.assert(
      fc.property(record, (original) => {
        const wire = recordCodec.decode(recordCodec.encode(recordToWire(original)));
        expect(normal(recordFromAnswer(wire))).toEqual(normal(original));
        const { offset: _, ...rest } = normal(original);
        const appended = { ...recordFromWire(wire, 0), offset: 0 };
        expect(normal(appended)).toEqual({ offset: 0, ...rest });
      }),
    );
  });

  it("take the broker's time when they have none, and keep within limits", () => {
    const wire = recordCodec.decode(recordCodec.encode({}));
    expect(recordFromWire(wire, 42)).toEqual({
      key: null,
      value: null,
      headers: [],
      timestampMs: 42,
    });
    const bad = [
      { key: new Uint8Array(65_537) },
      { timestampMs: -1 },
      { timestampMs: 2 ** 51 + 1 },
      { headers: Array.from({ length: 65 }, () => ({ key: "a" })) },
      { headers: [{ key: "k".repeat(1_025) }] },
    ];
    for (const input of bad) {
      const over = recordCodec.decode(recordCodec.encode(input));
      expect(codeOf(() => recordFromWire(over, 0))).toBe("INVALID_REQUEST");
    }
  });
});

interface PlainRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: number[] | null;
  readonly value: number[] | null;
  readonly headers: readonly { readonly key: string; readonly value: number[] | null }[];
}

/** Buffers and arrays of bytes compare equal. */
function normal(record: RecordToSend): PlainRecord {
  const plain = (value: Uint8Array | null): number[] | null => (value === null ? null : [...value]);
  return {
    ...record,
    key: plain(record.key),
    value: plain(record.value),
    headers: record.headers.map((one) => ({ key: one.key, value: plain(one.value) })),
  };
}

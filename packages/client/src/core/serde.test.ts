import { CodedError, encodeUtf8 } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromPublicOffset, toPublicOffset } from "./public-offset.ts";
import { bytes, json, serializePlain, type StandardSchema, string } from "./serde.ts";

/** A validator of positive numbers, as any Standard Schema library would offer it. */
const positive: StandardSchema<number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "number" && value > 0
        ? { value }
        : { issues: [{ message: "not a positive number" }] },
  },
};

const codeOf = (task: () => unknown): unknown => {
  try {
    task();
  } catch (error) {
    return CodedError.is(error) ? error.code : error;
  }
  return "nothing thrown";
};

function bytesOf(serialized: Uint8Array | string | null): Uint8Array {
  return typeof serialized === "string" ? encodeUtf8(serialized) : (serialized ?? new Uint8Array());
}

describe("serdes", () => {
  test("give back what they were given", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.jsonValue(), (text, value) => {
        expect(string.deserialize(bytesOf(string.serialize(text)))).toBe(text);
        const serde = json();
        const back = serde.deserialize(bytesOf(serde.serialize(value)));
        expect(back).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
    const raw = new Uint8Array([1, 2]);
    expect(bytes.deserialize(bytesOf(bytes.serialize(raw)))).toBe(raw);
  });

  test("hold values against a Standard Schema both ways", () => {
    const serde = json(positive);
    expect(serde.deserialize(new Uint8Array([0x37]))).toBe(7);
    expect(codeOf(() => serde.serialize(-1))).toBe("SERDE_FAILED");
    expect(codeOf(() => serde.deserialize(new Uint8Array([0x30])))).toBe("SERDE_FAILED");
    const later = { ...positive["~standard"], validate: () => Promise.resolve({ value: 1 }) };
    expect(codeOf(() => json({ "~standard": later }).serialize(1))).toBe("SERDE_FAILED");
  });

  test("refuse what is not theirs with SERDE_FAILED", () => {
    expect(codeOf(() => string.deserialize(new Uint8Array([0xff])))).toBe("SERDE_FAILED");
    expect(codeOf(() => json().deserialize(new Uint8Array([0x7b])))).toBe("SERDE_FAILED");
    expect(codeOf(() => json().serialize(undefined))).toBe("SERDE_FAILED");
  });

  test("leave text and bytes alone when none is named, and write the rest as JSON", () => {
    const raw = new Uint8Array([9]);
    expect(serializePlain(raw)).toBe(raw);
    expect(serializePlain(null)).toBeNull();
    expect(serializePlain("a")).toBe("a");
    expect(serializePlain({ at: 5n })).toBe('{"at":"5"}');
  });
});

describe("offsets", () => {
  test("are bigint outside and numbers inside", () => {
    expect(toPublicOffset(5)).toBe(5n);
    expect(fromPublicOffset(5n)).toBe(5);
    expect(() => fromPublicOffset(-1n)).toThrow(RangeError);
    expect(() => fromPublicOffset(2n ** 60n)).toThrow(RangeError);
    expect(() => fromPublicOffset(1.5)).toThrow(RangeError);
  });
});

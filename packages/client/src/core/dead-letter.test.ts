import { encodeUtf8 } from "@stratalog/base";
import type { RecordHeader } from "@stratalog/record-batch";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type DeadLetter,
  describeFailure,
  originalHeaders,
  readDeadLetter,
  withDeadLetterHeaders,
} from "./dead-letter.ts";

const letters: fc.Arbitrary<DeadLetter> = fc.record({
  topic: fc.string({ minLength: 1, maxLength: 20 }),
  partition: fc.nat(),
  offset: fc.maxSafeNat(),
  group: fc.string(),
  error: fc.string(),
  code: fc.string(),
  attempts: fc.nat(),
  failedAtMs: fc.maxSafeNat(),
});
const headerLists: fc.Arbitrary<readonly RecordHeader[]> = fc.array(
  fc.record({ key: fc.string(), value: fc.option(fc.uint8Array()) }),
  { maxLength: 4 },
);

describe("a dead letter", () => {
  test("says where it came from, and gives back the headers that the record had", () => {
    fc.assert(
      fc.property(headerLists, letters, letters, (headers, first, second) => {
        const once = withDeadLetterHeaders(headers, first);
        expect(readDeadLetter(once)).toEqual(first);
        expect(originalHeaders(once)).toEqual(headers);
        // A dead letter that failed again is one of its own.
        const twice = withDeadLetterHeaders(once, second);
        expect(readDeadLetter(twice)).toEqual(second);
        expect(originalHeaders(twice)).toEqual(once);
      }),
    );
  });

  test("is only what has all its facts", () => {
    expect(readDeadLetter([])).toBeUndefined();
    expect(originalHeaders([{ key: "a", value: null }])).toEqual([{ key: "a", value: null }]);
    const half = [{ key: "dlq.topic", value: encodeUtf8("orders") }];
    expect(readDeadLetter(half)).toBeUndefined();
  });

  test("names the error, its code, and no more than a thousand characters of it", () => {
    expect(describeFailure(new TypeError("no price"))).toEqual({
      error: "TypeError: no price",
      code: "",
    });
    const coded = Object.assign(new Error("x".repeat(5_000)), { code: "E_PRICE" });
    expect(describeFailure(coded).code).toBe("E_PRICE");
    expect(describeFailure(coded).error).toHaveLength(1_000);
    expect(describeFailure("plain")).toEqual({ error: "plain", code: "" });
  });
});

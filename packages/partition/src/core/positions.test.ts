import { describe, expect, it } from "vitest";
import { fetchPosition } from "./fetch-position.ts";
import { decodePartitionCommand, encodePartitionCommand } from "./partition-command.ts";
import { SEQUENCE_MAX, sequenceAfter } from "./sequence.ts";

describe("where a fetch stands", () => {
  it("is told at each edge", () => {
    const bounds = { logStartOffset: 10, highWatermark: 20, logEndOffset: 25 };
    const at = (offset: number): string => fetchPosition(offset, bounds);
    expect([9, 10, 19, 20, 24, 25, 26].map(at)).toEqual([
      "below-start",
      "readable",
      "readable",
      "wait",
      "wait",
      "wait",
      "past-end",
    ]);
  });

  it("of an empty log is its end", () => {
    const bounds = { logStartOffset: 10, highWatermark: 10, logEndOffset: 10 };
    expect(fetchPosition(10, bounds)).toBe("wait");
    expect(fetchPosition(11, bounds)).toBe("past-end");
  });
});

describe("a sequence number", () => {
  it("goes from the largest to 0", () => {
    expect(sequenceAfter(5, 3)).toBe(8);
    expect(sequenceAfter(SEQUENCE_MAX, 0)).toBe(SEQUENCE_MAX);
    expect(sequenceAfter(SEQUENCE_MAX, 1)).toBe(0);
    expect(sequenceAfter(SEQUENCE_MAX - 1, 4)).toBe(2);
  });
});

describe("a command of a partition", () => {
  it("comes back as it was", () => {
    const command = { type: "log-start", offset: 2 ** 40 } as const;
    expect(decodePartitionCommand(encodePartitionCommand(command))).toEqual(command);
  });

  it.each([
    "",
    "{}",
    '{"version":2,"type":"log-start","offset":1}',
    '{"version":1,"type":"other","offset":1}',
    '{"version":1,"type":"log-start","offset":-1}',
    '{"version":1,"type":"log-start","offset":"1"}',
  ])("of another version or shape is none: %s", (text) => {
    expect(decodePartitionCommand(Buffer.from(text))).toBeUndefined();
  });
});

import { encodeUtf8 } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodePartitionCommand, encodePartitionCommand } from "./partition-command.ts";
import { decodePartitionSnapshot, encodePartitionSnapshot } from "./partition-snapshot.ts";

const snapshot = {
  index: 12,
  nextOffset: 40,
  logStartOffset: 3,
  producers: [
    [
      9,
      {
        history: { epoch: 1, batches: [{ firstSequence: 0, lastSequence: 4, baseOffset: 35 }] },
        seenWallMs: 1_700_000_000_000,
      },
    ],
  ],
} as const;

describe("partition snapshots and commands", () => {
  it("come back as they were written", () => {
    expect(decodePartitionSnapshot(encodePartitionSnapshot(snapshot))).toEqual(snapshot);
    const command = { type: "log-start", offset: 17 } as const;
    expect(decodePartitionCommand(encodePartitionCommand(command))).toEqual(command);
  });

  it("of another version or shape are undefined, and no bytes throw", () => {
    const text = new TextDecoder().decode(encodePartitionSnapshot(snapshot));
    const batch = '{"firstSequence":0,"lastSequence":4,"baseOffset":35}';
    for (const [from, to] of [
      ['"version":1', '"version":2'],
      ['"index":12', '"index":-1'],
      ['"lastSequence":4,', ""],
      [batch, Array(6).fill(batch).join(",")],
    ] as const) {
      expect(text).toContain(from);
      expect(decodePartitionSnapshot(encodeUtf8(text.replace(from, to)))).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodePartitionSnapshot(bytes)).toBeUndefined();
        expect(decodePartitionCommand(bytes)).toBeUndefined();
      }),
    );
  });
});

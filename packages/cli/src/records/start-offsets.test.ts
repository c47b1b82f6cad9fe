import type { OffsetLookup } from "@stratalog/client";
import { describe, expect, it } from "vitest";
import type { Position } from "./position.ts";
import { startOffsets } from "./start-offsets.ts";

const starts = [0n, 95n];
const ends = [40n, 100n];
const admin = {
  listOffsets: async ({ topic, at }: OffsetLookup) => {
    const offsets = at === "earliest" ? starts : at === "latest" ? ends : [7n, 97n];
    return offsets.map((offset, partition) => ({ topic, partition, offset }));
  },
};

describe("startOffsets", () => {
  it.each<[string, Position, readonly number[]]>([
    ["the start", { kind: "earliest" }, [0, 95]],
    ["the end", { kind: "latest" }, [40, 100]],
    ["an offset", { kind: "offset", offset: 3n }, [3, 3]],
    ["a time", { kind: "time", timestampMs: 5 }, [7, 97]],
    ["the last ten", { kind: "last", count: 10n }, [30, 95]],
    ["the last none", { kind: "last", count: 0n }, [40, 100]],
  ])("finds %s in every partition, never before its first record", async (_name, at, wanted) => {
    const found = await startOffsets(admin, "orders", at);
    expect(found.map(({ offset }) => Number(offset))).toEqual(wanted);
  });
});

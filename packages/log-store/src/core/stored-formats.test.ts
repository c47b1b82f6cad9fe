// What lies in files for years: exact bytes, and nothing but what was written is read back.
import { groupNumber } from "@stratalog/base";
import { describe, expect, test } from "vitest";
import {
  decodeGroupCheckpoint,
  decodeSegmentFacts,
  decodeWalCheckpoint,
  encodeCheckpoint,
  type GroupCheckpoint,
  groupKey,
  parseCheckpointKey,
  type SegmentFacts,
  segmentKey,
  WAL_KEY,
} from "./checkpoint-format.ts";
import {
  groupDirectoryName,
  parseGroupDirectoryName,
  parseSegmentFileName,
  parseWalFileName,
  segmentFileName,
  walFileName,
} from "./file-names.ts";
import { isSameReplica, parseGroupDescriptor } from "./group-descriptor.ts";
import { decodeIndexFile, encodeIndexBlock, indexInterval } from "./index-file.ts";
import { decodeSegmentHeader, encodeSegmentHeader } from "./segment-format.ts";
import { SparseIndex } from "./sparse-index.ts";

const HEADER = {
  group: 0x0102_0304,
  replicaEpoch: 2 ** 33,
  baseIndex: 2 ** 34 + 1,
  baseOffset: 2 ** 35 + 2,
  identity: 2 ** 50 + 3,
  createdMs: 1_700_000_000_123,
};

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("a segment's header", () => {
  test("has exactly these bytes before its checksum", () => {
    const bytes = encodeSegmentHeader(HEADER);
    expect(hex(bytes.subarray(0, 60))).toBe(
      "53534547" +
        "0001" +
        "0000" +
        "01020304" +
        "00000000" +
        "0000000200000000" +
        "0000000400000001" +
        "0000000800000002" +
        "0004000000000003" +
        "0000018bcfe5687b" +
        "00000000",
    );
    expect(decodeSegmentHeader(bytes)).toEqual(HEADER);
  });

  test("with a bit flipped, cut short or of another version is none", () => {
    const bytes = encodeSegmentHeader(HEADER);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice();
      damaged[bit >>> 3] = (damaged[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeSegmentHeader(damaged), `bit ${bit}`).toBeUndefined();
    }
    expect(decodeSegmentHeader(bytes.subarray(0, 63))).toBeUndefined();
    expect(decodeSegmentHeader(new Uint8Array([...bytes, 1, 2]))).toEqual(HEADER);
  });
});

describe("an index file", () => {
  const owner = { identity: 77, baseIndex: 100, baseOffset: 1_000 };

  function index(): SparseIndex {
    const made = new SparseIndex(owner.baseIndex, owner.baseOffset);
    for (let row = 0; row < 5; row++) {
      const [index, baseOffset] = [100 + row * 3, 1_000 + row * 5];
      made.add({ index, baseOffset, position: 64 + row * 500, maxTimestampBefore: row * 10 - 1 });
    }
    return made;
  }

  const block = (fromRow: number, coveredBytes: number, maxTimestamp: number): Uint8Array =>
    encodeIndexBlock(owner, index(), { fromRow, coveredBytes, maxTimestamp });

  test("of two blocks gives all rows, and what the later one covers", () => {
    const bytes = Uint8Array.from([...block(0, 900, 8).subarray(0, 0), ...block(0, 3_000, 45)]);
    const whole = decodeIndexFile(owner, bytes);
    expect(whole).toMatchObject({ coveredBytes: 3_000, maxTimestamp: 45 });
    expect(whole.rows).toEqual(Array.from({ length: 5 }, (_, at) => index().entry(at)));
    const second = block(3, 3_000, 45);
    expect(second).toHaveLength(36 + 2 * 24);
    expect(decodeIndexFile(owner, second).rows).toEqual([index().entry(3), index().entry(4)]);
  });

  test("is read up to its first block that does not hold", () => {
    const [first, second] = [block(0, 3_000, 45), block(5, 4_000, 50)];
    const both = Uint8Array.from([...first, ...second]);
    expect(decodeIndexFile(owner, both)).toMatchObject({ coveredBytes: 4_000, maxTimestamp: 50 });
    for (let position = 0; position < both.length; position++) {
      const damaged = both.slice();
      damaged[position] = (damaged[position] ?? 0) ^ 4;
      const { rows, coveredBytes } = decodeIndexFile(owner, damaged);
      const isInSecond = position >= first.length;
      expect(rows.length, `byte ${position}`).toBe(isInSecond ? 5 : 0);
      expect(coveredBytes).toBe(isInSecond ? 3_000 : 0);
    }
    for (let length = 0; length < both.length; length++) {
      const { coveredBytes } = decodeIndexFile(owner, both.subarray(0, length));
      expect(coveredBytes, `${length} bytes`).toBe(length < first.length ? 0 : 3_000);
    }
  });

  test("of another segment of the same name is not used", () => {
    expect(decodeIndexFile({ ...owner, identity: 78 }, block(0, 3_000, 45)).rows).toEqual([]);
  });

  test("has rows at multiples of 64 bytes, at least that far apart", () => {
    expect([0, 1, 64, 65, 4_096].map(indexInterval)).toEqual([64, 64, 64, 128, 4_096]);
  });
});

describe("names", () => {
  test("of files and directories say what they are", () => {
    expect(groupDirectoryName(5, 7)).toBe("5-7");
    expect(parseGroupDirectoryName("5-7")).toEqual({ group: 5, replicaEpoch: 7 });
    expect(segmentFileName(9, "seg")).toBe("00000000000000000009.seg");
    expect(parseSegmentFileName(segmentFileName(9, "seg"))).toEqual({ baseIndex: 9, kind: "seg" });
    expect(parseSegmentFileName(segmentFileName(9, "idx"))).toEqual({ baseIndex: 9, kind: "idx" });
    expect(walFileName(12)).toBe("00000000000000000012.wal");
    expect(parseWalFileName(walFileName(12))).toBe(12);
  });

  test("of anything else say nothing", () => {
    for (const name of ["5-7.deleted", "5", "-1-2", "group.json", ""]) {
      expect(parseGroupDirectoryName(name)).toBeUndefined();
    }
    for (const name of ["9.seg", "00000000000000000009.seg.damaged", "00000000000000000009.wal"]) {
      expect(parseSegmentFileName(name)).toBeUndefined();
    }
    expect(parseWalFileName("00000000000000000009.wal.damaged")).toBeUndefined();
    expect(parseWalFileName("durable.mark")).toBeUndefined();
  });

  test("of checkpoints sort as their numbers do", () => {
    expect(parseCheckpointKey(WAL_KEY)).toEqual({ kind: "wal" });
    expect(parseCheckpointKey(groupKey(3))).toEqual({ kind: "group", group: 3 });
    const key = segmentKey(3, 2 ** 40);
    expect(parseCheckpointKey(key)).toEqual({ kind: "segment", group: 3, baseIndex: 2 ** 40 });
    expect(segmentKey(3, 9) < segmentKey(3, 10)).toBe(true);
    expect(groupKey(9) < groupKey(10)).toBe(true);
    for (const other of ["log/group/3", "log/segment/0000000003/9", "log/", "x"]) {
      expect(parseCheckpointKey(other)).toBeUndefined();
    }
  });
});

const FACTS: SegmentFacts = {
  baseIndex: 1,
  baseOffset: 0,
  lastIndex: 9,
  nextOffset: 20,
  sizeBytes: 900,
  maxTimestampMs: -1,
  createdMs: 5,
  identity: 77,
  isSealed: true,
};

const CHECKPOINT: GroupCheckpoint = {
  descriptor: { group: groupNumber(1), kind: "partition", replicaEpoch: 5, topic: "a" },
  batch: 10,
  firstIndex: 1,
  firstOffset: 0,
  lastIndex: 20,
  nextOffset: 40,
  logStartOffset: 3,
  droppableIndex: 2,
  termBefore: 1,
  termRuns: [{ term: 1, startIndex: 1, startOffset: 0 }],
  configIndexes: [4],
  hardState: { term: 1, vote: 0, commit: 3 },
  damage: "because",
};

/** All values that are the given one with one field of it, at any depth, of another type. */
function spoiled(value: object): object[] {
  return Object.entries(value).flatMap(([name, field]: [string, unknown]) => {
    const others: unknown[] = [{}, -1, 1.5, "x", null, [1.5]].filter((other) => {
      return typeof other !== typeof field || (typeof field === "number" && other !== field);
    });
    const isTimestamp = name === "maxTimestampMs";
    const replaced = others
      .filter((other) => !(typeof field === "string" && typeof other === "string"))
      .filter((other) => !(isTimestamp && other === -1))
      .filter((other) => !(Array.isArray(field) && Array.isArray(other)))
      .map((other) => ({ ...value, [name]: other }));
    const inner =
      typeof field === "object" && field !== null && !Array.isArray(field)
        ? spoiled(field).map((each) => ({ ...value, [name]: each }))
        : [];
    return [...replaced, ...inner];
  });
}

describe("a checkpoint's value", () => {
  test("comes back as it was", () => {
    expect(decodeGroupCheckpoint(encodeCheckpoint(CHECKPOINT))).toEqual(CHECKPOINT);
    const { damage: _damage, ...healthy } = CHECKPOINT;
    expect(decodeGroupCheckpoint(encodeCheckpoint(healthy))).toEqual(healthy);
    expect(decodeSegmentFacts(encodeCheckpoint(FACTS))).toEqual(FACTS);
    const wal = { replayFrom: 3, syncedThrough: 9 };
    expect(decodeWalCheckpoint(encodeCheckpoint(wal))).toEqual(wal);
  });

  test("with any field missing or of another type is none", () => {
    for (const value of spoiled(CHECKPOINT)) {
      const bytes = Buffer.from(JSON.stringify({ version: 1, ...value }));
      expect(decodeGroupCheckpoint(bytes), JSON.stringify(value)).toBeUndefined();
    }
    for (const value of spoiled(FACTS)) {
      const bytes = Buffer.from(JSON.stringify({ version: 1, ...value }));
      expect(decodeSegmentFacts(bytes), JSON.stringify(value)).toBeUndefined();
    }
    for (const value of spoiled({ replayFrom: 3, syncedThrough: 9 })) {
      const bytes = Buffer.from(JSON.stringify({ version: 1, ...value }));
      expect(decodeWalCheckpoint(bytes), JSON.stringify(value)).toBeUndefined();
    }
    for (const name of Object.keys(CHECKPOINT).filter((each) => each !== "damage")) {
      const bytes = Buffer.from(JSON.stringify({ version: 1, ...CHECKPOINT, [name]: undefined }));
      expect(decodeGroupCheckpoint(bytes), name).toBeUndefined();
    }
  });

  test("with a list that holds something else is none", () => {
    const [run] = CHECKPOINT.termRuns;
    for (const bad of [1, null, ...spoiled(run ?? {})]) {
      const bytes = Buffer.from(JSON.stringify({ version: 1, ...CHECKPOINT, termRuns: [bad] }));
      expect(decodeGroupCheckpoint(bytes), JSON.stringify(bad)).toBeUndefined();
    }
    const bytes = Buffer.from(JSON.stringify({ version: 1, ...CHECKPOINT, configIndexes: ["4"] }));
    expect(decodeGroupCheckpoint(bytes)).toBeUndefined();
  });

  test("of another version, or no JSON at all, is none", () => {
    const later = Buffer.from(JSON.stringify({ ...FACTS, version: 2 }));
    expect(decodeSegmentFacts(later)).toBeUndefined();
    for (const text of ["", "{", "null", "3", '"x"']) {
      expect(decodeSegmentFacts(Buffer.from(text))).toBeUndefined();
    }
    expect(decodeWalCheckpoint(Uint8Array.of(0xff, 0xfe))).toBeUndefined();
  });
});

describe("a descriptor", () => {
  const full = {
    ...CHECKPOINT.descriptor,
    topicId: "t",
    partition: 3,
  };

  test("comes back with the fields that it has", () => {
    expect(parseGroupDescriptor({ ...full })).toEqual(full);
    const least = { group: 0, kind: "controller", replicaEpoch: 0 };
    expect(parseGroupDescriptor(least)).toEqual(least);
    expect(parseGroupDescriptor({ ...least, group: 0xffff_ffff })).toMatchObject({
      group: 0xffff_ffff,
    });
  });

  test("with a field of another type or range is none", () => {
    for (const value of [...spoiled(full), { ...full, group: 0x1_0000_0000 }, null, 1]) {
      expect(parseGroupDescriptor(value), JSON.stringify(value)).toBeUndefined();
    }
    expect(parseGroupDescriptor({ ...full, kind: "queue" })).toBeUndefined();
  });

  test("names the same replica by group and epoch alone", () => {
    const { descriptor } = CHECKPOINT;
    expect(isSameReplica(descriptor, { ...descriptor, topic: "b" })).toBe(true);
    expect(isSameReplica(descriptor, { ...descriptor, replicaEpoch: 6 })).toBe(false);
    expect(isSameReplica(descriptor, { ...descriptor, group: groupNumber(2) })).toBe(false);
  });
});

import { expect, test } from "vitest";
import { dataFrame, plainFrame } from "../testing/frames.ts";
import { decodeWalRecords, WalRecordTable } from "./wal-records.ts";

const PLACE = { term: 3, index: 12, baseOffset: 40 };
const DATA = dataFrame(PLACE, new Uint8Array(20).fill(5), [100, 101]);
const COMMAND = plainFrame({ term: 3, index: 13, baseOffset: 42 }, "command", Uint8Array.of(1, 2));

/** One record of each kind, each of another group; the table has to grow on the way. */
function fullTable(): WalRecordTable {
  const table = new WalRecordTable(10);
  table.addEntry(1, DATA);
  table.addHardState(2, { term: 7, vote: 2 ** 40, commit: 2 ** 41 });
  table.addTruncate(3, 2 ** 33, 2 ** 34);
  table.addEntry(4, COMMAND);
  table.addReset(5, { index: 2 ** 35, term: 9, nextOffset: 2 ** 36 });
  table.addDrop(6, 2 ** 37);
  table.addEntry(1, COMMAND);
  return table;
}

const header = (frame: typeof DATA) => {
  const { kind, term, index, baseOffset, span } = frame;
  return { kind, term, index, baseOffset, span, payloadBytes: frame.payload.length };
};

test("records come back in order, with the places of the payloads", () => {
  const table = fullTable();
  expect(table.recordCount).toBe(7);
  expect(table.sizeBytes).toBe(3 * 48 + 32 + 24 + 32 + 16);
  expect(decodeWalRecords(table.bytes)).toMatchObject([
    { type: "entry", group: 1, header: header(DATA), payloadPosition: 0 },
    { type: "hard-state", group: 2, hardState: { term: 7, vote: 2 ** 40, commit: 2 ** 41 } },
    { type: "truncate", group: 3, from: 2 ** 33, nextOffset: 2 ** 34 },
    { type: "entry", group: 4, header: header(COMMAND), payloadPosition: DATA.payload.length },
    { type: "reset", group: 5, reset: { index: 2 ** 35, term: 9, nextOffset: 2 ** 36 } },
    { type: "drop", group: 6, replicaEpoch: 2 ** 37 },
    { type: "entry", group: 1, payloadPosition: DATA.payload.length + 2 },
  ]);
});

test("a table that ends inside a record does not parse, one that ends between two does", () => {
  const bytes = fullTable().bytes;
  const ends = new Set([0, 48, 80, 104, 152, 184, 200, 248]);
  for (let length = 0; length <= bytes.length; length++) {
    const records = decodeWalRecords(bytes.subarray(0, length));
    expect(records !== undefined, `${length} bytes`).toBe(ends.has(length));
  }
});

test("each kind of record fills its table exactly", () => {
  const adders: ((table: WalRecordTable) => void)[] = [
    (table) => table.addEntry(1, DATA),
    (table) => table.addHardState(1, { term: 1, vote: 0, commit: 0 }),
    (table) => table.addTruncate(1, 2, 3),
    (table) => table.addReset(1, { index: 1, term: 1, nextOffset: 1 }),
    (table) => table.addDrop(1, 1),
  ];
  for (const add of adders) {
    const table = new WalRecordTable(0);
    add(table);
    expect(decodeWalRecords(table.bytes)).toHaveLength(1);
    expect(decodeWalRecords(table.bytes.subarray(0, table.sizeBytes - 1))).toBeUndefined();
  }
});

test("a kind that nobody knows, or an entry of another group, does not parse", () => {
  const table = new WalRecordTable();
  table.addDrop(6, 1);
  const unknown = table.bytes.slice();
  unknown[3] = 6;
  expect(decodeWalRecords(unknown)).toBeUndefined();
  const entries = new WalRecordTable();
  entries.addEntry(1, DATA);
  const moved = entries.bytes.slice();
  moved[7] = 2;
  expect(decodeWalRecords(moved)).toBeUndefined();
});

import { describe, expect, test } from "vitest";
import { plainFrame } from "../testing/frames.ts";
import { encodeWalBatch, WalBatch } from "./wal-batch.ts";
import { scanWalFile } from "./wal-scan.ts";
import { judgeWal, type WalMarks } from "./wal-verdict.ts";

const LIFE = 4;
const MARKS: WalMarks = {
  checkpoint: { replayFrom: 10, syncedThrough: 9 },
  markedThrough: 0,
  checkpointedThrough: 0,
};

interface Place {
  readonly number: number;
  readonly position: number;
  readonly sizeBytes: number;
}

/** A WAL file with batches 10 to 10 + count − 1 of one entry each, in a recycled file. */
function makeFile(count: number, options: { readonly seals?: boolean } = {}) {
  const bytes = new Uint8Array(count * 1024 + 4096).fill(0xa5);
  const places: Place[] = [];
  let position = 0;
  for (let number = 10; number < 10 + count; number++) {
    const batch = new WalBatch(number);
    const place = { term: 1, index: number, baseOffset: 0 };
    batch.addEntry(1, plainFrame(place, "command", new Uint8Array(600).fill(number)));
    batch.addHardState(1, { term: 1, vote: 2, commit: number });
    const { parts, sizeBytes } = encodeWalBatch(batch, {
      life: LIFE,
      syncedThrough: number - 1,
      replayFrom: 10,
      head: number === 10 ? new Map([[1, { term: 1, vote: 0, commit: 0 }]]) : undefined,
      isSeal: options.seals === true && number === 10 + count - 1,
    });
    let at = position;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    places.push({ number, position, sizeBytes });
    position += sizeBytes;
  }
  return { bytes, places };
}

function judged(bytes: Uint8Array, marks: Partial<WalMarks> = {}) {
  const verdict = judgeWal(scanWalFile(bytes, LIFE), { ...MARKS, ...marks });
  const replayed = verdict.replay.map(({ header }) => header.batch);
  return { replayed, damage: verdict.damage, nextBatch: verdict.nextBatch };
}

describe("a WAL", () => {
  test("that is whole is replayed to its end", () => {
    const { bytes } = makeFile(4);
    const outcome = { replayed: [10, 11, 12, 13], damage: undefined, nextBatch: 14 };
    expect(judged(bytes)).toEqual(outcome);
  });

  test("is not read as another life's", () => {
    expect(scanWalFile(makeFile(4).bytes, LIFE + 1)).toEqual([]);
  });

  test.each([0, 40, 70, 200, 700])(
    "whose last batch is broken at byte %i has a torn tail",
    (at) => {
      const { bytes, places } = makeFile(4);
      const last = places[3] as Place;
      bytes[last.position + at] = 0x11;
      const { replayed, damage } = judged(bytes);
      expect(replayed).toEqual([10, 11, 12]);
      expect(damage).toBeUndefined();
    },
  );

  test.each([0, 40, 70])("with a batch behind one broken at byte %i is damaged", (at) => {
    const { bytes, places } = makeFile(4);
    bytes[(places[2] as Place).position + at] = 0x11;
    const { replayed, damage } = judged(bytes);
    expect(replayed).toEqual([10, 11]);
    expect(damage).toContain("WAL batch 12");
  });

  test("with a broken payload below the durable point leaves the verdict to the group", () => {
    const { bytes, places } = makeFile(4);
    const at = (places[1] as Place).position + 400;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const found = scanWalFile(bytes, LIFE);
    expect(found[1]?.brokenEntries).toEqual([0]);
    expect(judged(bytes)).toMatchObject({ replayed: [10, 11, 12, 13], damage: undefined });
  });

  test.each([
    ["a mark", { markedThrough: 13 }],
    ["a checkpoint", { checkpoint: { replayFrom: 10, syncedThrough: 13 } }],
  ])("whose last batch is torn, but synced by %s, is damaged", (_, marks) => {
    const { bytes, places } = makeFile(4);
    bytes[(places[3] as Place).position + 40] = 0x11;
    expect(judged(bytes, marks).damage).toContain("WAL batch 13");
  });

  test("that a clean stop sealed is damaged when the sealed batch's payload is", () => {
    const { bytes, places } = makeFile(4, { seals: true });
    const at = (places[3] as Place).position + 100;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    expect(judged(bytes).damage).toContain("WAL batch 13");
  });

  test("without the batch that recovery begins with is damaged", () => {
    const { bytes, places } = makeFile(4);
    bytes.fill(0, 0, (places[1] as Place).position);
    expect(judged(bytes).damage).toContain("WAL batch 10 is missing");
  });

  test("never uses a batch number again, not even that of a torn batch", () => {
    const { bytes, places } = makeFile(2);
    bytes[(places[1] as Place).position + 70] = 0x11;
    expect(judged(bytes)).toMatchObject({ replayed: [10], nextBatch: 12 });
    expect(judged(bytes, { checkpointedThrough: 20 }).nextBatch).toBe(21);
  });

  test("uses the whole one of two twins", () => {
    const torn = makeFile(3);
    torn.bytes[(torn.places[2] as Place).position + 200] = 0x11;
    const whole = scanWalFile(makeFile(3).bytes, LIFE);
    const broken = scanWalFile(torn.bytes, LIFE);
    for (const found of [
      [...whole, ...broken],
      [...broken, ...whole],
    ]) {
      expect(judgeWal(found, MARKS).replay.map(({ header }) => header.batch)).toEqual([10, 11, 12]);
    }
  });
});

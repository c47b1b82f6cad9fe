import { groupNumber } from "@stratalog/base";
import type { Entry, StorageAppendMessage } from "raft-ts";
import { describe, expect, it } from "vitest";
import { entryOf } from "../core/entry-frames.ts";
import type { FrameKind } from "../ports/frame.ts";
import { MemoryLogStorage } from "../testing/memory-log-storage.ts";
import { plainFrameCodec } from "../testing/plain-frame-codec.ts";
import { DivergenceError, FrameBook } from "./frame-book.ts";

const GROUP = groupNumber(1);

function data(index: number, baseOffset: number, span = 1, kind: FrameKind = "data"): Entry {
  const payload = new Uint8Array([index]);
  const frame = { kind, index, term: 1, baseOffset, span, payload };
  return entryOf(plainFrameCodec.create(frame));
}

function message(entries: readonly Entry[]): StorageAppendMessage {
  return { type: "storage-append", from: 1, to: 2, term: 1, entries, responses: [] };
}

function emptyBook(): FrameBook {
  const storage = new MemoryLogStorage();
  storage.createGroup(GROUP);
  return new FrameBook(plainFrameCodec, storage.view(GROUP));
}

describe("the frames of a write", () => {
  it("follow each other without a gap in their offsets", () => {
    const { frames, truncateFrom } = emptyBook().append(message([data(1, 0, 4), data(2, 4)]));
    expect(frames.map(({ baseOffset }) => baseOffset)).toEqual([0, 4]);
    expect(truncateFrom).toBeUndefined();
  });

  it("are refused as diverging where an offset does not follow", () => {
    const book = emptyBook();
    expect(() => book.append(message([data(1, 0, 4), data(2, 5)]))).toThrow(DivergenceError);
    expect(() => book.append(message([data(1, 7)]))).toThrow(DivergenceError);
  });

  it("take offsets for data alone", () => {
    const book = emptyBook();
    const leader: Entry = { type: "normal", index: 1, term: 1, data: undefined };
    const { frames } = book.append(message([leader, data(2, 0)]));
    expect(frames.map(({ kind, span }) => [kind, span])).toEqual([
      ["noop", 0],
      ["data", 1],
    ]);
    expect(() => book.append(message([data(1, 0, 1, "command")]))).toThrow(DivergenceError);
  });
});

describe("the frames of entries to send", () => {
  it("are those that were written, and none for an entry that was replaced before", () => {
    const book = emptyBook();
    const noop = (index: number, term: number): Entry => {
      return { type: "normal", index, term, data: undefined };
    };
    const written = noop(1, 1);
    book.append(message([written]));
    expect(book.framesOf([written, data(2, 0)])).toMatchObject([{ index: 1 }, { index: 2 }]);
    expect(book.framesOf([written, noop(2, 2)])).toBeUndefined();
    expect(() => book.frameOf(noop(2, 2))).toThrow("entry 2 has no frame");
  });
});

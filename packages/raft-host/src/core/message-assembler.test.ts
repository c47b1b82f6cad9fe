import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MalformedMessageError } from "./malformed-message-error.ts";
import { MessageAssembler } from "./message-assembler.ts";
import { MessageBatch } from "./message-batch.ts";

interface Received {
  readonly kind: number;
  readonly payload: number[];
}

function assemble(stream: Uint8Array, chunkSizes: readonly number[]): Received[] {
  const received: Received[] = [];
  const assembler = new MessageAssembler(10_000, (kind, payload) => {
    received.push({ kind, payload: [...payload] });
  });
  let position = 0;
  for (let i = 0; position < stream.length; i++) {
    const size = chunkSizes[i % chunkSizes.length] ?? 1;
    assembler.push(stream.subarray(position, position + size));
    position += size;
  }
  return received;
}

function concat(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
}

describe("MessageAssembler and MessageBatch", () => {
  it("carry messages of any size over any cut of the stream", () => {
    const part = fc.uint8Array({ maxLength: 30 });
    const message = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.array(part, { maxLength: 3 }));
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(message), sizes, (messages, chunkSizes) => {
        const batch = new MessageBatch();
        const expected: Received[] = [];
        for (const [kind, parts] of messages) {
          const payload = parts.flatMap((bytes) => [...bytes]);
          batch.add(kind, parts, payload.length);
          expected.push({ kind, payload });
        }
        const bytes = batch.sizeBytes;
        const stream = concat(batch.take());
        expect(stream.length).toBe(bytes);
        expect(assemble(stream, chunkSizes)).toEqual(expected);
      }),
    );
  });

  it("pass large parts on without a copy", () => {
    const batch = new MessageBatch();
    const large = new Uint8Array(5000).fill(9);
    batch.add(1, [new Uint8Array([1, 2]), large, new Uint8Array([3])], 5003);
    const chunks = batch.take();
    expect(chunks[1]).toBe(large);
    expect(assemble(concat(chunks), [700])).toEqual([{ kind: 1, payload: [1, 2, ...large, 3] }]);
  });

  it("leave bytes alone that were taken before", () => {
    const batch = new MessageBatch();
    batch.add(1, [new Uint8Array([5])], 1);
    const first = batch.take();
    batch.add(2, [new Uint8Array([6])], 1);
    batch.take();
    expect(concat(first)).toEqual(new Uint8Array([0, 0, 0, 2, 1, 5]));
  });

  it("refuse a length of zero or beyond the limit before anything is stored", () => {
    const assembler = new MessageAssembler(100, () => {});
    expect(() => assembler.push(new Uint8Array([0, 0, 0, 0, 1]))).toThrow(MalformedMessageError);
    const other = new MessageAssembler(100, () => {});
    expect(() => other.push(new Uint8Array([0, 0, 0, 102]))).toThrow("102 bytes");
    const split = new MessageAssembler(100, () => {});
    split.push(new Uint8Array([0xff, 0xff]));
    expect(() => split.push(new Uint8Array([0xff, 0xff]))).toThrow(MalformedMessageError);
  });
});

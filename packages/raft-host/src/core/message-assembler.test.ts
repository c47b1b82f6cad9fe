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
  const joined = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let position = 0;
  for (const chunk of chunks) {
    joined.set(chunk, position);
    position += chunk.length;
  }
  return joined;
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

  it("read a large message into memory of its own size, and small ones out of the scratch", () => {
    const KIB = 1024;
    for (const sizeBytes of [64 * KIB - 6, 64 * KIB - 5, 64 * KIB, 500 * KIB, 3_000 * KIB]) {
      const large = new Uint8Array(sizeBytes).map((_, position) => position % 251);
      const batch = new MessageBatch();
      batch.add(1, [new Uint8Array([7])], 1);
      batch.add(2, [large], large.length);
      batch.add(3, [], 0);
      const stream = concat(batch.take());
      const sizes: number[] = [];
      const kinds: number[] = [];
      let received = new Uint8Array(0);
      const allocate = (bytes: number): Uint8Array => {
        sizes.push(bytes);
        return new Uint8Array(bytes);
      };
      const sink = (kind: number, payload: Uint8Array): void => {
        kinds.push(kind);
        if (kind === 2) received = payload.slice();
      };
      const assembler = new MessageAssembler(16_384 * KIB, sink, allocate);
      for (let position = 0; position < stream.length; ) {
        const { target } = assembler;
        const count = Math.min(target.length, stream.length - position, 200 * KIB);
        target.set(stream.subarray(position, position + count));
        assembler.filled(count);
        position += count;
      }
      expect(kinds).toEqual([1, 2, 3]);
      expect(Buffer.compare(received, large)).toBe(0);
      expect(sizes.filter((bytes) => bytes > 10).at(-1)).toBe(large.length + 5);
    }
  });

  it("allocate no more than a batch for a length that is only claimed", () => {
    const sizes: number[] = [];
    const allocate = (bytes: number): Uint8Array => {
      sizes.push(bytes);
      return new Uint8Array(bytes);
    };
    const assembler = new MessageAssembler(64 * 1024 * 1024, () => {}, allocate);
    assembler.push(new Uint8Array([3, 0, 0, 0, 1]));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1_200_000);
  });
});

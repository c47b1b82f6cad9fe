import { expect, test } from "vitest";
import { StoreFixture } from "../testing/store-fixture.ts";
import { ReadBuffers } from "./read-buffers.ts";

test("memory that was lent is lent again, and never twice at a time", async () => {
  const buffers = new ReadBuffers(2);
  const seen: ArrayBufferLike[] = [];
  const use = async (buffer: Uint8Array): Promise<number> => {
    seen.push(buffer.buffer);
    await Promise.resolve();
    return buffer.length;
  };
  expect(await Promise.all([buffers.lend(10, use), buffers.lend(20, use)])).toEqual([10, 20]);
  expect(new Set(seen).size).toBe(2);
  for (let reads = 0; reads < 5; reads++) await buffers.lend(1024 * 1024, use);
  expect(new Set(seen).size).toBe(2);
});

test("no more is kept than the limit, and nothing of an odd size", async () => {
  const buffers = new ReadBuffers(1);
  const seen: ArrayBufferLike[] = [];
  const use = async (buffer: Uint8Array): Promise<void> => {
    seen.push(buffer.buffer);
    await Promise.resolve();
  };
  await Promise.all([buffers.lend(10, use), buffers.lend(10, use), buffers.lend(10, use)]);
  await Promise.all([buffers.lend(10, use), buffers.lend(10, use)]);
  expect(new Set(seen).size).toBe(4);
  await buffers.lend(3 * 1024 * 1024, use);
  await buffers.lend(10, use);
  expect(seen.at(-1)).not.toBe(seen.at(-2));
});

test("memory comes back from work that fails", async () => {
  const buffers = new ReadBuffers(1);
  const seen: ArrayBufferLike[] = [];
  const fail = (buffer: Uint8Array): Promise<never> => {
    seen.push(buffer.buffer);
    return Promise.reject(new Error("no"));
  };
  await expect(buffers.lend(10, fail)).rejects.toThrow("no");
  await expect(buffers.lend(10, fail)).rejects.toThrow("no");
  expect(seen[0]).toBe(seen[1]);
});

test("a search by time keeps nothing of the memory that it was lent", async () => {
  const before = await StoreFixture.open();
  const group = await before.group(1);
  await before.appendData(group, 5);
  await before.store.close();
  const { store } = await StoreFixture.open({}, before.disk());
  // Called with `call` below, and put back.
  // oxlint-disable-next-line typescript/unbound-method
  const { lend } = ReadBuffers.prototype;
  try {
    // As if the next reader were faster than whoever has the result of this one.
    ReadBuffers.prototype.lend = function lendOnce<T>(
      this: ReadBuffers,
      sizeBytes: number,
      work: (buffer: Uint8Array) => Promise<T>,
    ): Promise<T> {
      return lend.call(this, sizeBytes, async (buffer) => {
        const result = await work(buffer);
        buffer.fill(0xff);
        return result;
      }) as Promise<T>;
    };
    const found = await store.view(group).findByTimestamp(31, 10);
    expect(found).toEqual({ offset: 5, timestampMs: 31 });
  } finally {
    ReadBuffers.prototype.lend = lend;
  }
});

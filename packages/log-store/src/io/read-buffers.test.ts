import { expect, test } from "vitest";
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

import { describe, expect, it } from "vitest";
import { encodeUtf8 } from "../text.ts";
import { MemoryKeyValueStore } from "./memory-key-value-store.ts";

const put = (key: string) => ({ type: "put" as const, key, value: encodeUtf8(key) });

async function keys(store: MemoryKeyValueStore): Promise<string[]> {
  const found: string[] = [];
  for await (const [key] of store.entries({ from: "", to: "\uffff" })) found.push(key);
  return found;
}

describe("MemoryKeyValueStore", () => {
  it("keeps synced batches over a crash and loses a suffix of the others", async () => {
    const store = new MemoryKeyValueStore();
    await store.write([put("a")], { sync: false });
    await store.write([put("b")], { sync: true });
    await store.write([put("c"), put("d")], { sync: false });
    await store.write([{ type: "delete", key: "a" }], { sync: false });
    expect(store.unsyncedCount).toBe(2);
    expect(await keys(store.crash(1))).toEqual(["a", "b", "c", "d"]);
  });

  it("refuses everything after a failed sync", async () => {
    const store = new MemoryKeyValueStore();
    store.failNextSync = true;
    await expect(store.write([put("a")], { sync: true })).rejects.toThrow("EIO");
    expect(() => store.get("a")).toThrow("an earlier sync failed");
    expect(await keys(store.crash())).toEqual([]);
  });

  it("reads ranges in key order, the end excluded", async () => {
    const store = new MemoryKeyValueStore();
    await store.write([put("b"), put("a"), put("c")], { sync: false });
    const found: string[] = [];
    for await (const [key] of store.entries({ from: "a", to: "c" })) found.push(key);
    expect(found).toEqual(["a", "b"]);
  });
});

import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeUtf8, encodeUtf8 } from "@stratalog/base";
import { Level } from "level";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LevelKeyValueStore } from "./level-key-value-store.ts";

let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "stratalog-kv-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const put = (key: string, value = key) => ({
  type: "put" as const,
  key,
  value: encodeUtf8(value),
});

describe("LevelKeyValueStore", () => {
  it.runIf(process.platform !== "win32")("makes a directory that is its user's alone", async () => {
    const store = await LevelKeyValueStore.open(join(directory, "kv"));
    await store.close();
    expect((await stat(join(directory, "kv"))).mode & 0o777).toBe(0o700);
  });

  it("keeps values over a restart and reads ranges in key order, the end excluded", async () => {
    const first = await LevelKeyValueStore.open(directory);
    await first.write([put("b"), put("a"), put("c"), put("empty", "")], { sync: true });
    await first.write([{ type: "delete", key: "c" }], { sync: false });
    await first.close();
    const second = await LevelKeyValueStore.open(directory);
    const found: string[] = [];
    for await (const [key, value] of second.entries({ from: "a", to: "e" })) {
      found.push(`${key}=${decodeUtf8(value)}`);
    }
    expect(found).toEqual(["a=a", "b=b"]);
    expect(await second.get("empty")).toEqual(new Uint8Array(0));
    expect(await second.get("c")).toBeUndefined();
    await second.close();
  });

  it("is locked against a second opening, and says so", async () => {
    const first = await LevelKeyValueStore.open(directory);
    await expect(LevelKeyValueStore.open(directory)).rejects.toMatchObject({
      code: "DIRECTORY_IN_USE",
    });
    await first.close();
    const second = await LevelKeyValueStore.open(directory);
    await second.close();
  });

  it("in a place that is no directory is unusable", async () => {
    const file = join(directory, "file");
    await writeFile(file, "");
    await expect(LevelKeyValueStore.open(join(file, "kv"))).rejects.toMatchObject({
      code: "DIRECTORY_UNUSABLE",
    });
  });

  it("never returns a value that was changed or moved behind its back", async () => {
    const first = await LevelKeyValueStore.open(directory);
    await first.write([put("a"), put("b")], { sync: true });
    await first.close();
    const raw = new Level<string, Uint8Array>(directory, { valueEncoding: "view" });
    const stored = await raw.get("a");
    await raw.put("b", stored ?? new Uint8Array(0));
    await raw.put("short", new Uint8Array(2));
    await raw.close();
    const second = await LevelKeyValueStore.open(directory);
    expect(await second.get("a")).toEqual(encodeUtf8("a"));
    await expect(second.get("b")).rejects.toMatchObject({ code: "STORAGE_DAMAGED" });
    await expect(second.get("short")).rejects.toMatchObject({ code: "STORAGE_DAMAGED" });
    await second.close();
  });

  it("closes while reads, writes and a half-read range are under way", async () => {
    const store = await LevelKeyValueStore.open(directory);
    await store.write([put("a"), put("b"), put("c")], { sync: true });
    const range = store.entries({ from: "", to: "z" })[Symbol.asyncIterator]();
    await range.next();
    const writing = store.write([put("d")], { sync: true });
    const reading = store.get("a");
    await store.close();
    await writing;
    expect(await reading).toEqual(encodeUtf8("a"));
    await expect(range.next()).rejects.toMatchObject({ code: "CLOSED" });
    await expect(store.get("a")).rejects.toMatchObject({ code: "CLOSED" });
  });
});

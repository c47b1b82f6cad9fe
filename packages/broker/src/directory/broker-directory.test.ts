import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CodedError, machineRandom } from "@stratalog/base";
import { MemoryKeyValueStore } from "@stratalog/base/testing";
import { NodeFileSystem } from "@stratalog/log-store";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LevelKeyValueStore } from "../node/level-key-value-store.ts";
import { BrokerDirectory } from "./broker-directory.ts";

let path = "";

beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), "stratalog-directory-")), "data");
});

afterEach(async () => {
  await rm(join(path, ".."), { recursive: true, force: true });
});

function open(brokerId = 1): Promise<BrokerDirectory> {
  return BrokerDirectory.open({
    path,
    brokerId,
    fileSystem: new NodeFileSystem(),
    random: machineRandom,
    openKeyValueStore: (directory) => LevelKeyValueStore.open(directory),
  });
}

describe("BrokerDirectory", () => {
  it("has one identity for life, and becomes part of one cluster", async () => {
    const first = await open();
    const { directoryId } = first.identity;
    expect(first.identity).toEqual({ brokerId: 1, directoryId, clusterId: undefined });
    await first.adoptCluster("blue");
    await first.adoptCluster("blue");
    await expect(first.adoptCluster("red")).rejects.toMatchObject({ code: "CLUSTER_ID_MISMATCH" });
    await first.close();
    const second = await open();
    expect(second.identity).toEqual({ brokerId: 1, directoryId, clusterId: "blue" });
    await second.close();
  });

  it("is another identity once it was wiped", async () => {
    const first = await open();
    const { directoryId } = first.identity;
    await first.close();
    await rm(path, { recursive: true });
    const second = await open();
    expect(second.identity.directoryId).not.toBe(directoryId);
    await second.close();
  });

  it("is not shared: neither by two brokers at a time nor by another broker later", async () => {
    const first = await open();
    await expect(open()).rejects.toMatchObject({ code: "DIRECTORY_IN_USE" });
    await first.close();
    await expect(open(2)).rejects.toMatchObject({
      code: "DIRECTORY_UNUSABLE",
      details: { owner: 1 },
    });
    const again = await open();
    await again.close();
  });

  it("that cannot be made is unusable", async () => {
    await writeFile(path, "a file where the directory should be");
    await expect(open()).rejects.toMatchObject({ code: "DIRECTORY_UNUSABLE" });
  });

  it("with logs but without an identity, or with a broken one, is damaged", async () => {
    await mkdir(join(path, "wal"), { recursive: true });
    await expect(open()).rejects.toMatchObject({ code: "STORAGE_DAMAGED" });
    await writeFile(join(path, "meta.json"), '{"formatVersion":1}');
    await expect(open()).rejects.toMatchObject({ code: "STORAGE_DAMAGED" });
  });

  it("with a flipped bit in its identity is refused, or the identity is right all the same", async () => {
    const first = await open();
    await first.adoptCluster("blue");
    const { identity } = first;
    await first.close();
    const file = join(path, "meta.json");
    const bytes = await readFile(file);
    const taken: string[] = [];
    for (let position = 0; position < bytes.length; position += 1) {
      const flipped = Buffer.from(bytes);
      flipped[position] = (bytes[position] ?? 0) ^ (1 << (position % 8));
      await writeFile(file, flipped);
      const fileSystem = new NodeFileSystem();
      const openKeyValueStore = () => Promise.resolve(new MemoryKeyValueStore());
      const parts = { path, brokerId: 1, fileSystem, random: machineRandom, openKeyValueStore };
      try {
        const again = await BrokerDirectory.open(parts);
        expect(again.identity).toEqual(identity);
        taken.push(flipped.toString("latin1"));
      } catch (error) {
        expect(CodedError.is(error)).toBe(true);
        expect(String(error)).toMatch(/meta\.json at byte 0|belongs to broker/);
      }
    }
    // Only a flip in the name of the checksum's field goes unnoticed.
    expect(taken.every((text) => !text.includes('"checksum"'))).toBe(true);
  });

  it("of a later format is refused and left as it is", async () => {
    const first = await open();
    await first.close();
    const file = join(path, "meta.json");
    const later = (await readFile(file, "utf8")).replace('"formatVersion":1', '"formatVersion":2');
    await writeFile(file, later);
    await expect(open()).rejects.toMatchObject({ code: "UNSUPPORTED_VERSION" });
    expect(await readFile(file, "utf8")).toBe(later);
  });
});

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { machineRandom } from "@stratalog/base";
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

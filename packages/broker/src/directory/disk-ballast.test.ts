import { type KeyValueStore, silentLogger } from "@stratalog/base";
import { ManualTime, MemoryKeyValueStore } from "@stratalog/base/testing";
import { MemoryFileSystem } from "@stratalog/log-store/testing";
import { describe, expect, test } from "vitest";
import { BALLAST_FILE, DiskBallast } from "./disk-ballast.ts";
import { GuardedKeyValueStore } from "./guarded-key-value-store.ts";

const KIB = 1024;
const RESERVE_BYTES = 800 * KIB;
const BALLAST_BYTES = 100 * KIB;
const DISK_BYTES = 8_000 * KIB;
const DIRECTORY = "/data";

async function opened(fileSystem = new MemoryFileSystem()) {
  const time = new ManualTime();
  await fileSystem.makeDirectory(DIRECTORY);
  if (fileSystem.capacityBytes === Number.POSITIVE_INFINITY) fileSystem.capacityBytes = DISK_BYTES;
  const ballast = new DiskBallast({
    fileSystem,
    directory: DIRECTORY,
    reserveBytes: RESERVE_BYTES,
    timers: time,
    logger: silentLogger,
  });
  await ballast.open();
  await time.advanceAsync(6_000);
  const isThere = (): Promise<boolean> => fileSystem.exists(`${DIRECTORY}/${BALLAST_FILE}`);
  return { fileSystem, time, ballast, isThere };
}

/** Somebody else takes all but so many bytes. */
async function leave(fileSystem: MemoryFileSystem, freeBytes: number): Promise<void> {
  const other = await fileSystem.open("/other", "create");
  const space = await fileSystem.space();
  await other.truncate((await other.sizeBytes()) + space.freeBytes - freeBytes);
  await other.close();
}

const put = (key: string) => ({ type: "put" as const, key, value: new Uint8Array(10) });

describe("the ballast", () => {
  test("is made some seconds after the start, thrown overboard on a full disk, and made again", async () => {
    const { fileSystem, time, isThere } = await opened();
    expect(fileSystem.usedBytes()).toBe(BALLAST_BYTES);
    await leave(fileSystem, 0);
    await time.advanceAsync(1_100);
    expect(await isThere()).toBe(false);
    await leave(fileSystem, RESERVE_BYTES);
    await time.advanceAsync(1_100);
    expect(await isThere()).toBe(false);
    await leave(fileSystem, RESERVE_BYTES + 3 * BALLAST_BYTES);
    await time.advanceAsync(1_100);
    expect(await isThere()).toBe(true);
  });

  test("goes at the start on a disk that is full, before anything else needs room", async () => {
    const { fileSystem, ballast, isThere } = await opened();
    await ballast.stop();
    await leave(fileSystem, 0);
    const again = await opened(fileSystem);
    expect(await isThere()).toBe(false);
    await again.ballast.room(10);
  });

  test("is refused when the reserve is more than half of the disk", async () => {
    const fileSystem = new MemoryFileSystem();
    fileSystem.capacityBytes = 2 * RESERVE_BYTES - 1;
    await expect(opened(fileSystem)).rejects.toMatchObject({ code: "INVALID_CONFIG" });
  });
});

describe("a key-value store on a full disk", () => {
  function guarded(ballast: DiskBallast, inner: KeyValueStore) {
    const failures: unknown[] = [];
    const guard = {
      room: (bytes: number) => ballast.room(bytes),
      onFailed: (error: unknown) => failures.push(error),
    };
    return { store: new GuardedKeyValueStore(inner, guard), failures };
  }

  test("gets the ballast's room, then waits for more, and writes in order", async () => {
    const { fileSystem, time, ballast, isThere } = await opened();
    const inner = new MemoryKeyValueStore();
    const { store } = guarded(ballast, inner);
    await leave(fileSystem, 0);
    await store.write([put("a")], { sync: true });
    expect(await isThere()).toBe(false);
    await leave(fileSystem, 0);
    const waiting = [put("b"), put("c")].map((change) => store.write([change], { sync: true }));
    await time.advanceAsync(3_000);
    expect(await inner.get("b")).toBeUndefined();
    await leave(fileSystem, 1000 * KIB);
    await time.advanceAsync(1_100);
    await Promise.all(waiting);
    expect(await inner.get("c")).toEqual(new Uint8Array(10));
  });

  test("refuses what waits when the broker stops", async () => {
    const { fileSystem, ballast } = await opened();
    const { store } = guarded(ballast, new MemoryKeyValueStore());
    await leave(fileSystem, 0);
    await ballast.room(10);
    await leave(fileSystem, 0);
    const waiting = store.write([put("a")], { sync: true });
    await ballast.stop();
    await expect(waiting).rejects.toMatchObject({ code: "CLOSED" });
    await store.close();
  });

  test("that fails to write all the same says so: the broker has to end", async () => {
    const { ballast } = await opened();
    const inner = new MemoryKeyValueStore();
    const { store, failures } = guarded(ballast, inner);
    inner.failNextSync = true;
    await expect(store.write([put("a")], { sync: true })).rejects.toThrow("EIO");
    expect(failures).toHaveLength(1);
  });
});

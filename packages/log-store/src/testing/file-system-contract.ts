import * as assert from "node:assert/strict";
import {
  type FileSystem,
  FileSystemError,
  type FileSystemErrorCode,
} from "../ports/file-system.ts";

/** One promise of the file-system port. `directory` exists, is empty, and belongs to the case. */
export interface FileSystemContractCase {
  readonly claim: string;
  readonly run: (fileSystem: FileSystem, directory: string) => Promise<void>;
}

async function fails(code: FileSystemErrorCode, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => error instanceof FileSystemError && error.code === code);
}

function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

async function readAll(fileSystem: FileSystem, path: string): Promise<Uint8Array> {
  const handle = await fileSystem.open(path, "read");
  const bytes = new Uint8Array(await handle.sizeBytes());
  assert.equal(await handle.read(bytes, 0), bytes.length);
  await handle.close();
  return bytes;
}

/** What every adapter of the file-system port must do. Run each case on a directory of its own. */
export const fileSystemContract: readonly FileSystemContractCase[] = [
  {
    claim: "a vectored write puts its parts one after the other",
    async run(fileSystem, directory) {
      const path = `${directory}/a`;
      const handle = await fileSystem.open(path, "exclusive");
      await handle.write([filled(3, 1), filled(0, 9), filled(2, 2)], 4);
      await handle.dataSync();
      await handle.close();
      assert.deepEqual([...(await readAll(fileSystem, path))], [0, 0, 0, 0, 1, 1, 1, 2, 2]);
    },
  },
  {
    claim: "a write of thousands of parts is complete",
    async run(fileSystem, directory) {
      const path = `${directory}/many`;
      const handle = await fileSystem.open(path, "create");
      const partCount = 5000;
      await handle.write(
        Array.from({ length: partCount }, (_, at) => filled(3, at % 251)),
        0,
      );
      await handle.close();
      const bytes = await readAll(fileSystem, path);
      assert.equal(bytes.length, partCount * 3);
      assert.ok(bytes.every((byte, at) => byte === Math.floor(at / 3) % 251));
    },
  },
  {
    claim: "a read stops at the end of the file",
    async run(fileSystem, directory) {
      const handle = await fileSystem.open(`${directory}/a`, "create");
      await handle.write([filled(10, 7)], 0);
      const target = filled(8, 0);
      assert.equal(await handle.read(target, 6), 4);
      assert.deepEqual([...target], [7, 7, 7, 7, 0, 0, 0, 0]);
      assert.equal(await handle.read(target, 10), 0);
      await handle.close();
    },
  },
  {
    claim: "opening follows its mode",
    async run(fileSystem, directory) {
      const path = `${directory}/a`;
      await fails("ENOENT", fileSystem.open(path, "read"));
      await fails("ENOENT", fileSystem.open(path, "write"));
      const made = await fileSystem.open(path, "create");
      await made.write([filled(4, 1)], 0);
      await made.close();
      await fails("EEXIST", fileSystem.open(path, "exclusive"));
      const again = await fileSystem.open(path, "create");
      assert.equal(await again.sizeBytes(), 4);
      await again.close();
    },
  },
  {
    claim: "truncation shortens, and lengthens with zeros",
    async run(fileSystem, directory) {
      const path = `${directory}/a`;
      const handle = await fileSystem.open(path, "create");
      await handle.write([filled(6, 5)], 0);
      await handle.truncate(2);
      await handle.truncate(4);
      await handle.close();
      assert.deepEqual([...(await readAll(fileSystem, path))], [5, 5, 0, 0]);
    },
  },
  {
    claim: "names are listed in order, renamed over others and removed",
    async run(fileSystem, directory) {
      for (const [at, name] of ["b", "a", "c"].entries()) {
        const handle = await fileSystem.open(`${directory}/${name}`, "create");
        await handle.write([filled(1, at)], 0);
        await handle.close();
      }
      assert.deepEqual(await fileSystem.list(directory), ["a", "b", "c"]);
      await fileSystem.rename(`${directory}/b`, `${directory}/c`);
      await fileSystem.syncDirectory(directory);
      assert.deepEqual(await fileSystem.list(directory), ["a", "c"]);
      assert.deepEqual([...(await readAll(fileSystem, `${directory}/c`))], [0]);
      await fileSystem.remove(`${directory}/a`);
      await fails("ENOENT", fileSystem.remove(`${directory}/a`));
      await fails("ENOENT", fileSystem.rename(`${directory}/a`, `${directory}/d`));
      assert.deepEqual(await fileSystem.list(directory), ["c"]);
    },
  },
  {
    claim: "directories are made with their parents and removed with their contents",
    async run(fileSystem, directory) {
      const deep = `${directory}/x/y`;
      await fileSystem.makeDirectory(deep);
      await fileSystem.makeDirectory(deep);
      const handle = await fileSystem.open(`${deep}/a`, "create");
      await handle.close();
      assert.equal(await fileSystem.exists(`${deep}/a`), true);
      await fileSystem.removeDirectory(`${directory}/x`);
      assert.equal(await fileSystem.exists(deep), false);
      await fails("ENOENT", fileSystem.list(deep));
    },
  },
  {
    claim: "no directory is made where a file is, nor below one",
    async run(fileSystem, directory) {
      const handle = await fileSystem.open(`${directory}/a`, "create");
      await handle.close();
      await fails("EEXIST", fileSystem.makeDirectory(`${directory}/a`));
      await fails("OTHER", fileSystem.makeDirectory(`${directory}/a/b`));
    },
  },
  {
    claim: "a removed file stays readable through the handle that has it open",
    async run(fileSystem, directory) {
      const handle = await fileSystem.open(`${directory}/a`, "create");
      await handle.write([filled(3, 3)], 0);
      await fileSystem.remove(`${directory}/a`);
      const target = filled(3, 0);
      assert.equal(await handle.read(target, 0), 3);
      assert.deepEqual([...target], [3, 3, 3]);
      await handle.close();
    },
  },
  {
    claim: "free space is a number of bytes",
    async run(fileSystem, directory) {
      const { totalBytes, freeBytes } = await fileSystem.space(directory);
      assert.ok(freeBytes > 0 && totalBytes >= freeBytes);
    },
  },
];

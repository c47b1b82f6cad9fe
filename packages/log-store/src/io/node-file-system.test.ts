import { chmod, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { NodeFileSystem } from "./node-file-system.ts";

test.runIf(process.platform === "linux")(
  "a directory that the system will not make is refused, not tried for ever",
  async () => {
    const making = new NodeFileSystem().makeDirectory("/proc/strata/data");
    await expect(making).rejects.toMatchObject({ code: "ENOENT", operation: "makeDirectory" });
  },
);

/** A file that must not exist is refused because the link does. */
const LINK_REFUSED = /^open .*: (?:ELOOP: too many symbolic links|EEXIST)/;
const isPosix = process.platform !== "win32";

async function scratch(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "stratalog-files-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

test.runIf(isPosix)("what it makes is its user's alone", async () => {
  const fileSystem = new NodeFileSystem();
  const directory = await scratch();
  await fileSystem.makeDirectory(`${directory}/parent/child`);
  expect(await modeOf(`${directory}/parent`)).toBe(0o700);
  expect(await modeOf(`${directory}/parent/child`)).toBe(0o700);
  for (const mode of ["create", "exclusive"] as const) {
    const path = `${directory}/${mode}`;
    await (await fileSystem.open(path, mode)).close();
    expect([mode, await modeOf(path)]).toEqual([mode, 0o600]);
  }
});

test.runIf(isPosix)("what is there already keeps its mode", async () => {
  const fileSystem = new NodeFileSystem();
  const directory = await scratch();
  await mkdir(`${directory}/wide`);
  await chmod(`${directory}/wide`, 0o755);
  await fileSystem.makeDirectory(`${directory}/wide`);
  expect(await modeOf(`${directory}/wide`)).toBe(0o755);
  await writeFile(`${directory}/file`, "kept");
  await chmod(`${directory}/file`, 0o644);
  await (await fileSystem.open(`${directory}/file`, "create")).close();
  expect(await modeOf(`${directory}/file`)).toBe(0o644);
  expect(await readFile(`${directory}/file`, "utf8")).toBe("kept");
});

test.runIf(isPosix)("a link in the place of a file is refused, of a directory not", async () => {
  const fileSystem = new NodeFileSystem();
  const directory = await scratch();
  await writeFile(`${directory}/other`, "somebody else's");
  await symlink(`${directory}/other`, `${directory}/link`);
  await symlink(`${directory}/missing`, `${directory}/dangling`);
  for (const mode of ["read", "write", "create", "exclusive"] as const) {
    await expect(fileSystem.open(`${directory}/link`, mode)).rejects.toThrow(LINK_REFUSED);
    await expect(fileSystem.open(`${directory}/dangling`, mode)).rejects.toThrow(LINK_REFUSED);
  }
  expect(await fileSystem.exists(`${directory}/missing`)).toBe(false);
  expect(await readFile(`${directory}/other`, "utf8")).toBe("somebody else's");
  await mkdir(`${directory}/real`);
  await symlink(`${directory}/real`, `${directory}/way`);
  await fileSystem.makeDirectory(`${directory}/way`);
  await (await fileSystem.open(`${directory}/way/file`, "exclusive")).close();
  expect(await readFile(`${directory}/real/file`, "utf8")).toBe("");
});

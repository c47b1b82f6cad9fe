import { MemoryKeyValueStore } from "@stratalog/base/testing";
import { expect, test } from "vitest";
import { makeFlipDirectory } from "../testing/flip-directory.ts";
import { inspectLogs } from "./log-inspector.ts";

async function directory(ending: "closed" | "killed") {
  const keyValue = new MemoryKeyValueStore();
  const { fileSystem } = await makeFlipDirectory(ending, keyValue);
  return { fileSystem, keyValue: keyValue.image(), directory: "/data" };
}

test.each(["closed", "killed"] as const)(
  "a %s directory is looked at without a change, and nothing is wrong",
  async (ending) => {
    const options = await directory(ending);
    const before = options.fileSystem.files();
    const seen: number[] = [];
    const report = await inspectLogs({ ...options, onFrame: ({ index }) => seen.push(index) });
    expect(report.problems).toEqual([]);
    expect(report.groups.map(({ descriptor }) => descriptor.group)).toEqual([1, 2]);
    expect(report.wal.length).toBeGreaterThan(0);
    if (ending === "closed") expect(seen.length).toBe(80);
    expect(options.fileSystem.files()).toEqual(before);
  },
);

test("every damaged byte of a segment is a problem with file and position", async () => {
  const options = await directory("closed");
  const paths = [...options.fileSystem.files()].filter(([path]) => path.endsWith(".seg"));
  for (const [path, bytes] of paths.slice(0, 2)) {
    for (let position = 0; position < bytes.length; position += 37) {
      const fileSystem = options.fileSystem.afterKill();
      fileSystem.damage(path, position, Uint8Array.of((bytes[position] ?? 0) ^ 4));
      const { problems } = await inspectLogs({ ...options, fileSystem });
      expect(
        problems.map((each) => each.path),
        `${path} at ${position}`,
      ).toContain(path);
      expect(problems[0]?.position).toBeLessThanOrEqual(position);
    }
  }
});

test("a missing segment is a problem", async () => {
  const options = await directory("closed");
  const path = [...options.fileSystem.files().keys()].find((name) => name.endsWith(".seg")) ?? "";
  await options.fileSystem.remove(path);
  const { problems } = await inspectLogs(options);
  expect(problems).toContainEqual({ path, position: 0, message: "the file is missing" });
});

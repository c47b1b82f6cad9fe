// `strata log` over what a real broker leaves behind.
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CodedError, silentLogger } from "@stratalog/base";
import { loadBrokerConfig, nodeEnvironment, startBroker } from "@stratalog/broker";
import { connect } from "@stratalog/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CommandContext } from "../commands/command-context.ts";
import { exitCodeOf } from "../output/exit-codes.ts";
import { createProgram } from "../program.ts";

let scratch = "";
let original = "";
let directory = "";

function environmentOf(data: string) {
  const free = ["client", "peer", "http"].map((name) => `listeners.${name}.port=0`);
  const flags = ["node.id=1", `data.dir=${data}`, "wal.file.bytes=1048576", ...free];
  const config = loadBrokerConfig({ flags });
  return { config, environment: nodeEnvironment(config, { logger: silentLogger }) };
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "stratalog-log-"));
  original = join(scratch, "original");
  const { config, environment } = environmentOf(original);
  const broker = await startBroker(environment, config);
  await broker.ready;
  const client = connect({ brokers: [`127.0.0.1:${broker.ports.client}`] });
  await client.admin().createTopic({ name: "orders", partitions: 2 });
  const producer = client.producer();
  for (let number = 0; number < 6; number++) {
    const headers = { source: "test" };
    const value = `value ${number}`;
    await producer.send({ topic: "orders", partition: number % 2, key: "k", value, headers });
  }
  await producer.close();
  await client.close();
  await broker.stop();
}, 60_000);

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

beforeEach(async () => {
  directory = join(scratch, "copy");
  await rm(directory, { recursive: true, force: true });
  await cp(original, directory, { recursive: true });
});

interface Ran {
  readonly exitCode: number;
  readonly lines: readonly string[];
  readonly notes: readonly string[];
}

/** Runs a command line as `main` does, without a process around it. */
async function strata(...args: readonly string[]): Promise<Ran> {
  const lines: string[] = [];
  const notes: string[] = [];
  let exitCode = 0;
  const context: CommandContext = {
    output: {
      line: (text) => lines.push(text),
      note: (text) => notes.push(text),
      progress: () => {},
    },
    signal: new AbortController().signal,
    force: new AbortController().signal,
    setExitCode: (code) => {
      exitCode = code;
    },
  };
  try {
    await createProgram(context).parseAsync(args, { from: "user" });
  } catch (error) {
    const coded = CodedError.from(error);
    notes.push(`${coded.code}: ${coded.message}`);
    exitCode = exitCodeOf(coded.code);
  }
  return { exitCode, lines, notes };
}

async function allBytes(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found.set(path, (await readFile(path)).toString("base64"));
  }
  return found;
}

/** The segment with the most records of users in it. */
async function largestSegment(): Promise<string> {
  const { lines } = await strata("log", "inspect", directory, "-o", "json");
  const { groups } = JSON.parse(lines.join("\n")) as {
    groups: { descriptor: { topic?: string }; segments: { path: string; sizeBytes: number }[] }[];
  };
  const segments = groups
    .filter(({ descriptor }) => descriptor.topic === "orders")
    .flatMap((group) => group.segments)
    .toSorted((a, b) => b.sizeBytes - a.sizeBytes);
  return segments[0]?.path ?? "";
}

async function flip(path: string, position: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[position] = (bytes[position] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

describe("strata log", () => {
  it("inspect shows groups, segments and the write-ahead log, for people and for programs", async () => {
    const table = await strata("log", "inspect", directory);
    expect(table.exitCode).toBe(0);
    const text = table.lines.join("\n");
    expect(text).toMatch(/orders-0/);
    expect(text).toMatch(/orders-1/);
    expect(text).toMatch(/controller/);
    expect(text).toMatch(/\.wal/);
    const json = await strata("log", "inspect", directory, "--output", "json");
    expect(json.exitCode).toBe(0);
    expect(JSON.parse(json.lines.join("\n"))).toMatchObject({ problems: [], batchesToReplay: 0 });
  });

  it("verify ends with 0 when every checksum and invariant holds", async () => {
    const { exitCode, lines, notes } = await strata("log", "verify", directory);
    expect([exitCode, notes]).toEqual([0, []]);
    expect(lines.join()).toMatch(/0 batches to replay: 0 problems$/);
    const json = await strata("log", "verify", directory, "-o", "json");
    expect([json.exitCode, JSON.parse(json.lines.join("\n"))]).toMatchObject([
      0,
      { problems: [], batchesToReplay: 0 },
    ]);
  });

  it("verify ends with 1 and names file and byte of what does not hold", async () => {
    const path = await largestSegment();
    await flip(path, 200);
    const { exitCode, notes } = await strata("log", "verify", directory);
    expect(exitCode).toBe(1);
    expect(notes.join()).toMatch(/\.seg at byte \d+: /);
    expect(notes.join()).toContain(path);
    const json = await strata("log", "verify", directory, "-o", "json");
    expect(json.exitCode).toBe(1);
    expect(JSON.parse(json.lines.join("\n"))).toMatchObject({ problems: [{ path }] });
  });

  it("verify ends with 1 for a segment that is gone, and for damage in kv/", async () => {
    await rm(await largestSegment());
    const gone = await strata("log", "verify", directory);
    expect([gone.exitCode, gone.notes.join()]).toMatchObject([
      1,
      expect.stringContaining("missing"),
    ]);
    const manifest = (await readdir(join(directory, "kv"))).find((name) =>
      name.startsWith("MANIFEST"),
    );
    await flip(join(directory, "kv", manifest ?? ""), 20);
    const damaged = await strata("log", "verify", directory);
    expect(damaged.exitCode).toBe(1);
    expect(damaged.notes.join()).toMatch(/STORAGE_DAMAGED: .*MANIFEST-\d+ at byte 0/);
  });

  it("export prints every record as a line of JSON, in order, and ends with 0", async () => {
    const { exitCode, lines, notes } = await strata("log", "export", directory);
    expect([exitCode, notes]).toEqual([0, []]);
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records).toHaveLength(6);
    for (const partition of [0, 1]) {
      const own = records.filter((record) => record["partition"] === partition);
      expect(own.map((record) => record["offset"])).toEqual(["0", "1", "2"]);
      expect(own.map((record) => record["value"])).toEqual(
        [0, 2, 4].map((number) => `value ${number + partition}`),
      );
    }
    expect(records[0]).toMatchObject({ topic: "orders", key: "k" });
  });

  it("export prints what it can of a damaged directory, and ends with 1", async () => {
    const path = await largestSegment();
    const { length } = await readFile(path);
    await flip(path, length - 3);
    const { exitCode, lines, notes } = await strata("log", "export", directory);
    expect(exitCode).toBe(1);
    expect(lines).toHaveLength(5);
    expect(notes.join()).toContain(path);
  });

  it("changes nothing in the directory", async () => {
    const before = await allBytes();
    for (const command of ["inspect", "verify", "export"]) await strata("log", command, directory);
    expect(await allBytes()).toEqual(before);
  });

  it("ends with 1 for what is no data directory", async () => {
    const { exitCode, notes } = await strata("log", "verify", join(directory, "groups"));
    expect([exitCode, notes.join()]).toMatchObject([
      1,
      expect.stringContaining("DIRECTORY_UNUSABLE"),
    ]);
  });

  it.runIf(process.platform === "linux")("ends with 6 while a broker runs", async () => {
    const { config, environment } = environmentOf(directory);
    const broker = await startBroker(environment, config);
    const { exitCode, notes } = await strata("log", "verify", directory);
    await broker.stop();
    expect([exitCode, notes.join()]).toMatchObject([
      6,
      expect.stringContaining("DIRECTORY_IN_USE"),
    ]);
  });
});

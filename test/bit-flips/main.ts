/**
 * Flips one bit of every byte of a small data directory in turn, after a clean stop and after a
 * kill: `npm run bit-flips -- [--stride N]`. Files of the log store are flipped in memory; the
 * key-value store's are those of a real LevelDB. The store must serve exactly the right data, or
 * refuse with a message that names file and position. What is done at the same sources stands in
 * test-results/bit-flips.jsonl, and a run that was stopped goes on after it. Exit code 1 when
 * anything was wrong.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { KeyValueStore } from "@stratalog/base";
import { MemoryKeyValueStore } from "@stratalog/base/testing";
import { loadBrokerConfig, nodeEnvironment } from "@stratalog/broker";
import {
  type FlipEnding,
  type FlipOutcome,
  judgeFlip,
  makeFlipDirectory,
} from "@stratalog/log-store/testing";
import { RunLedger } from "../run-ledger/run-ledger.ts";
import { sourcesState } from "../run-ledger/sources-state.ts";
import { repositoryRoot } from "../skips.ts";

const DIRECTORY_BYTES_MAX = 256 * 1024;
/** LevelDB's log of what it does: nothing reads it. */
const UNREAD = /^(?:LOG|LOG\.old|LOCK)$/;
/** LevelDB says what is wrong with which directory, and no more. */
const FROM_LEVELDB = /cannot open .*: (?:Corruption|IO error)/;
const NAMES_FILE = /\.(?:seg|wal|mark|idx)\b|group\.json|\bkv\b|wal\/|"log\//;
const NAMES_POSITION = /\bbyte \d+|\bkey\b|"log\//;

interface Entry {
  readonly commit: string;
  readonly ending: FlipEnding;
  readonly file: string;
  readonly stride: number;
  readonly served: number;
  readonly refused: number;
  /** Refusals that name no file or no position. */
  readonly vague: readonly string[];
  readonly wrong: readonly string[];
}

type Flip = (position: number) => Promise<FlipOutcome>;

async function flipFile(
  flip: Flip,
  sizeBytes: number,
  stride: number,
): Promise<Pick<Entry, "served" | "refused" | "vague" | "wrong">> {
  const count = { served: 0, refused: 0 };
  const vague = new Set<string>();
  const wrong: string[] = [];
  for (let position = 0; position < sizeBytes; position += stride) {
    const outcome = await flip(position);
    if (outcome.result === "wrong") {
      wrong.push(`byte ${position}: ${outcome.message}`);
      continue;
    }
    count[outcome.result]++;
    if (outcome.result !== "refused") continue;
    const { message } = outcome;
    if (FROM_LEVELDB.test(message)) continue;
    if (!NAMES_FILE.test(message) || !NAMES_POSITION.test(message)) vague.add(message);
  }
  return { ...count, vague: [...vague].slice(0, 10), wrong: wrong.slice(0, 10) };
}

function flipped(bytes: Uint8Array, position: number): Uint8Array {
  return Uint8Array.of((bytes[position] ?? 0) ^ (1 << (position % 8)));
}

async function memoryCopy(store: KeyValueStore): Promise<MemoryKeyValueStore> {
  const values = new Map<string, Uint8Array>();
  for await (const [key, value] of store.entries({ from: "", to: "\uffff" })) {
    values.set(key, value);
  }
  return new MemoryKeyValueStore(values);
}

/** Everything of one ending: its files and how to flip a byte of each. */
async function flipsOf(
  ending: FlipEnding,
  scratch: string,
): Promise<ReadonlyMap<string, { readonly sizeBytes: number; readonly flip: Flip }>> {
  const config = loadBrokerConfig({ flags: ["node.id=1", `data.dir=${scratch}`] });
  const environment = nodeEnvironment(config);
  const openKeyValueStore = (path: string): Promise<KeyValueStore> =>
    environment.openKeyValueStore(path);
  const kv = join(scratch, `${ending}-kv`);
  const store = await openKeyValueStore(kv);
  const { fileSystem, expected } = await makeFlipDirectory(ending, store);
  const values = await memoryCopy(store);
  await store.close();
  const flips = new Map<string, { readonly sizeBytes: number; readonly flip: Flip }>();
  for (const [path, bytes] of fileSystem.files()) {
    const flip: Flip = (position) => {
      const copy = fileSystem.afterKill();
      copy.damage(path, position, flipped(bytes, position));
      return judgeFlip(copy, values.image(), expected);
    };
    flips.set(path, { sizeBytes: bytes.length, flip });
  }
  for (const name of readdirSync(kv).filter((each) => !UNREAD.test(each))) {
    const bytes = readFileSync(join(kv, name));
    const flip: Flip = async (position) => {
      const copy = join(scratch, "copy");
      rmSync(copy, { recursive: true, force: true });
      cpSync(kv, copy, { recursive: true });
      const changed = Buffer.from(bytes);
      changed.set(flipped(bytes, position), position);
      writeFileSync(join(copy, name), changed);
      return judgeWithStore(
        () => openKeyValueStore(copy),
        async (opened) => judgeFlip(fileSystem.afterKill(), opened, expected),
      );
    };
    flips.set(`/data/kv/${name}`, { sizeBytes: bytes.length, flip });
  }
  return flips;
}

/** A key-value store that does not open refuses for the whole broker. */
async function judgeWithStore(
  open: () => Promise<KeyValueStore>,
  judge: (store: KeyValueStore) => Promise<FlipOutcome>,
): Promise<FlipOutcome> {
  let store: KeyValueStore;
  try {
    store = await open();
  } catch (error) {
    return { result: "refused", message: String(error) };
  }
  try {
    return await judge(store);
  } finally {
    await store.close();
  }
}

function conclude(entries: readonly Entry[]): boolean {
  const sum = (of: (entry: Entry) => number): number =>
    entries.reduce((total, entry) => total + of(entry), 0);
  for (const { ending, file, wrong, vague } of entries) {
    for (const each of wrong) console.log(`WRONG  ${ending} ${file}: ${each}`);
    for (const each of vague) console.log(`VAGUE  ${ending} ${file}: ${each}`);
  }
  const wrong = sum((entry) => entry.wrong.length);
  const vague = sum((entry) => entry.vague.length);
  console.log(
    `${entries.length} files: served ${sum((entry) => entry.served)}, ` +
      `refused ${sum((entry) => entry.refused)}, wrong ${wrong}, vague refusals ${vague}`,
  );
  return wrong + vague === 0;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { stride: { type: "string", default: "1" } } });
  const stride = Number(values.stride);
  const folders = ["packages/base", "packages/record-batch", "packages/log-store"];
  const commit = sourcesState([...folders, "packages/broker/src/node"]);
  const ledger = new RunLedger<Entry>(join(repositoryRoot, "test-results", "bit-flips.jsonl"));
  const known = ledger.read().filter((entry) => entry.commit === commit && entry.stride === stride);
  const scratch = mkdtempSync(join(tmpdir(), "stratalog-flips-"));
  const entries: Entry[] = [];
  try {
    for (const ending of ["closed", "killed"] as const) {
      const flips = await flipsOf(ending, scratch);
      const bytes = [...flips.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      console.log(`${ending}: ${flips.size} files, ${bytes} bytes at ${commit}`);
      if (bytes > DIRECTORY_BYTES_MAX) throw new Error(`the directory has ${bytes} bytes`);
      for (const [file, { sizeBytes, flip }] of flips) {
        let entry = known.find((each) => each.ending === ending && each.file === file);
        if (entry === undefined) {
          entry = { commit, ending, file, stride, ...(await flipFile(flip, sizeBytes, stride)) };
          ledger.append(entry);
        }
        entries.push(entry);
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  process.exitCode = conclude(entries) ? 0 : 1;
}

await main();

/**
 * Flips one bit of every byte of small data directories in turn, after a clean stop and after a
 * kill: `npm run bit-flips -- [--stride N] [--only store|rf1|rf3] [--ending closed|killed]`.
 *
 * `store` is a log store by itself, `rf1` a broker alone, `rf3` a cluster of three in which one
 * directory is damaged: brokers as they ship, in simulated time. Their files are flipped in memory;
 * those of the key-value store are a real LevelDB's. Everything that was acknowledged must be
 * served as it was and more must be taken, or the damaged replica must refuse with a message that
 * names file and position, and with three brokers the others must go on all the same.
 *
 * What is done at the same sources stands in test-results/bit-flips.jsonl, and a run that was
 * stopped goes on after it. Exit code 1 when anything was wrong.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { FlipEnding, FlipOutcome } from "@stratalog/log-store/testing";
import { RunLedger } from "../run-ledger/run-ledger.ts";
import { sourcesState } from "../run-ledger/sources-state.ts";
import { repositoryRoot } from "../skips.ts";
import { type FlipKind, flippableFiles } from "./flip-cases.ts";

const DIRECTORY_BYTES_MAX = 256 * 1024;
const KINDS: readonly FlipKind[] = ["store", "rf1", "rf3"];
const ENDINGS: readonly FlipEnding[] = ["closed", "killed"];
const NAMES_FILE = /\.(?:seg|wal|mark|idx|json)\b|\bkv\b|wal\/|"log\//;
const NAMES_POSITION = /\bbyte \d+|\bkey\b|"log\//;
/** Memory, where there is such a directory: a LevelDB is copied and opened for every flip in it. */
const SCRATCH = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
/** Everything that a broker is made of. */
const SOURCES = (
  "base record-batch log-store raft-ts raft-host state-machine metadata groups partition broker " +
  "simulator"
)
  .split(" ")
  .map((name) => `packages/${name}`);

interface Entry {
  readonly commit: string;
  readonly kind: FlipKind;
  readonly ending: FlipEnding;
  readonly file: string;
  readonly stride: number;
  readonly seconds: number;
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
    if (!NAMES_FILE.test(message) || !NAMES_POSITION.test(message)) vague.add(message);
  }
  return { ...count, vague: [...vague].slice(0, 10), wrong: wrong.slice(0, 10) };
}

function conclude(entries: readonly Entry[]): boolean {
  const sum = (of: (entry: Entry) => number, among = entries): number =>
    among.reduce((total, entry) => total + of(entry), 0);
  for (const { kind, ending, file, wrong, vague } of entries) {
    for (const each of wrong) console.log(`WRONG  ${kind} ${ending} ${file}: ${each}`);
    for (const each of vague) console.log(`VAGUE  ${kind} ${ending} ${file}: ${each}`);
  }
  for (const kind of KINDS) {
    for (const ending of ENDINGS) {
      const among = entries.filter((entry) => entry.kind === kind && entry.ending === ending);
      if (among.length === 0) continue;
      const served = sum((entry) => entry.served, among);
      const refused = sum((entry) => entry.refused, among);
      const wrong = sum((entry) => entry.wrong.length, among);
      const flips = `${served + refused + wrong} flips in ${among.length} files`;
      console.log(`${kind} ${ending}: ${flips}, served ${served}, refused ${refused}`);
    }
  }
  const wrong = sum((entry) => entry.wrong.length);
  const vague = sum((entry) => entry.vague.length);
  console.log(`wrong ${wrong}, refusals that name no place ${vague}`);
  return wrong + vague === 0;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      stride: { type: "string", default: "1" },
      only: { type: "string" },
      ending: { type: "string" },
    },
  });
  const stride = Number(values.stride);
  const commit = sourcesState([...SOURCES, "test/bit-flips"]);
  const ledger = new RunLedger<Entry>(join(repositoryRoot, "test-results", "bit-flips.jsonl"));
  const known = ledger.read().filter((entry) => entry.commit === commit && entry.stride === stride);
  const scratch = mkdtempSync(join(SCRATCH, "stratalog-flips-"));
  const entries: Entry[] = [];
  const kinds = KINDS.filter((kind) => values.only === undefined || values.only === kind);
  const endings = ENDINGS.filter((each) => values.ending === undefined || values.ending === each);
  try {
    for (const kind of kinds) {
      for (const ending of endings) {
        const files = await flippableFiles(kind, ending, scratch);
        const bytes = [...files.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        console.log(`${kind} ${ending}: ${files.size} files, ${bytes} bytes at ${commit}`);
        if (bytes > DIRECTORY_BYTES_MAX) throw new Error(`the directory has ${bytes} bytes`);
        for (const [file, { sizeBytes, flip }] of files) {
          const isThis = (entry: Entry): boolean =>
            entry.kind === kind && entry.ending === ending && entry.file === file;
          let entry = known.find(isThis);
          if (entry === undefined) {
            const startMs = performance.now();
            const counts = await flipFile(flip, sizeBytes, stride);
            const seconds = Math.round((performance.now() - startMs) / 100) / 10;
            entry = { commit, kind, ending, file, stride, seconds, ...counts };
            ledger.append(entry);
          }
          entries.push(entry);
        }
      }
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  process.exitCode = conclude(entries) ? 0 : 1;
}

await main();

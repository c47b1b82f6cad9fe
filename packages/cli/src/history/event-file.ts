import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { CodedError } from "@stratalog/base";
import { decodeFileEvent, type FileEvent } from "./file-event.ts";
import type { History, TreeMark } from "./history.ts";

const unzip = promisify(gunzip);
const FILE_BYTES_MAX = 1024 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Reads `NAME.jsonl` or `NAME.jsonl.gz` and every `NAME.tree-at-N.tsv` beside it. Errors:
 * INVALID_REQUEST when the file cannot be read, with the line when a line is no file event or out
 * of sequence.
 */
export async function readEventFile(path: string): Promise<History> {
  const match = /^(.+)\.jsonl(?:\.gz)?$/.exec(basename(path));
  const name = match?.[1];
  if (name === undefined) {
    throw new CodedError("INVALID_REQUEST", `${path} must be named NAME.jsonl or NAME.jsonl.gz`);
  }
  const bytes = await readBytes(path);
  const events = parseEvents(bytes, path);
  const marks = await readMarks(dirname(path), name);
  const beyond = marks.find((mark) => mark.endSeq > events.length);
  if (beyond !== undefined) {
    throw new CodedError(
      "INVALID_REQUEST",
      `${beyond.source} is for ${beyond.endSeq} events, but ${path} has ${events.length}`,
    );
  }
  return { source: path, name, events, marks };
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const raw = await readFile(path);
    return path.endsWith(".gz") ? await unzip(raw, { maxOutputLength: FILE_BYTES_MAX }) : raw;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CodedError("INVALID_REQUEST", `cannot read ${path}: ${reason}`, { cause: error });
  }
}

function parseEvents(bytes: Uint8Array, path: string): FileEvent[] {
  const events: FileEvent[] = [];
  let line = 0;
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    line += 1;
    if (end > start) events.push(parseLine(bytes.subarray(start, end), path, line));
    start = end + 1;
  }
  for (const [index, event] of events.entries()) {
    if (event.seq === index) continue;
    const message = `${path}: event ${index} has seq ${event.seq}; events count from 0 without gaps`;
    throw new CodedError("INVALID_REQUEST", message);
  }
  return events;
}

function parseLine(bytes: Uint8Array, path: string, line: number): FileEvent {
  try {
    return decodeFileEvent(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CodedError("INVALID_REQUEST", `${path} line ${line}: ${reason}`, { cause: error });
  }
}

async function readMarks(folder: string, name: string): Promise<TreeMark[]> {
  const marks: TreeMark[] = [];
  for (const file of await readdir(folder)) {
    if (!file.startsWith(`${name}.tree-at-`)) continue;
    const count = /^tree-at-(\d+)\.tsv$/.exec(file.slice(name.length + 1))?.[1];
    if (count === undefined) continue;
    const tree = await readFile(join(folder, file), "utf8");
    marks.push({ endSeq: Number(count), tree, source: file });
  }
  return marks.toSorted((a, b) => a.endSeq - b.endSeq);
}

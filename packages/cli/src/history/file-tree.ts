import { assert } from "@stratalog/base";
import { contentOf, type FileEvent } from "./file-event.ts";

/** Mode and blob of each file by path. */
export type FileTree = ReadonlyMap<string, { readonly mode: string; readonly blob: string }>;

/** The tree after the first `endSeq` events of a history. */
export class FileTreeFold {
  /** Exclusive: events from this one on do not count. */
  readonly endSeq: number;
  readonly #tree = new Map<string, { readonly mode: string; readonly blob: string }>();
  #eventCount = 0;

  constructor(endSeq: number) {
    assert(Number.isSafeInteger(endSeq) && endSeq >= 0, `fold up to event ${endSeq}`);
    this.endSeq = endSeq;
  }

  get tree(): FileTree {
    return this.#tree;
  }

  /** Events that counted. */
  get eventCount(): number {
    return this.#eventCount;
  }

  /** Events of one path must come in their order; paths may be interleaved in any way. */
  apply(event: FileEvent): void {
    if (event.seq >= this.endSeq) return;
    this.#eventCount += 1;
    if (event.type === "FileDeleted") this.#tree.delete(event.path);
    else this.#tree.set(event.path, contentOf(event));
  }
}

/**
 * The tree as text: `mode`, `blob`, `path` with tabs between, a line each, sorted by the path's
 * bytes as git does.
 */
export function formatTree(tree: FileTree): string {
  return [...tree]
    .map(([path, { mode, blob }]) => ({
      bytes: Buffer.from(path),
      line: `${mode}\t${blob}\t${path}`,
    }))
    .toSorted((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ line }) => `${line}\n`)
    .join("");
}

/**
 * What separates two trees in their text form: lines of one side only, `-` expected and `+` actual;
 * the first ten.
 */
export function treeDifferences(expected: string, actual: string): string[] {
  if (expected === actual) return [];
  const left = new Set(expected.split("\n"));
  const right = new Set(actual.split("\n"));
  const missing = [...left].filter((line) => !right.has(line)).map((line) => `- ${line}`);
  const extra = [...right].filter((line) => !left.has(line)).map((line) => `+ ${line}`);
  const all = [...missing, ...extra];
  return all.length === 0 ? ["the same lines in another order"] : all.slice(0, 10);
}

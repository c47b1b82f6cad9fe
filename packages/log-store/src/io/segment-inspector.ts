import type { SegmentFacts } from "../core/checkpoint-format.ts";
import { segmentFileName } from "../core/file-names.ts";
import type { Frame } from "../core/frame.ts";
import { decodeFrame } from "../core/frame-codec.ts";
import type { GroupDescriptor } from "../core/group-descriptor.ts";
import { decodeIndexFile } from "../core/index-file.ts";
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES } from "../core/segment-format.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { LogProblem, SegmentReport } from "./log-inspector.ts";

const WINDOW_BYTES = 4 * 1024 * 1024;

/** All bytes of a file, opened for reading only. */
export async function readWhole(fileSystem: FileSystem, path: string): Promise<Uint8Array> {
  const handle = await fileSystem.open(path, "read");
  try {
    const bytes = new Uint8Array(await handle.sizeBytes());
    return bytes.subarray(0, await handle.read(bytes, 0));
  } finally {
    await handle.close();
  }
}

/** Walks through the frames of one group's segments and compares them with what should be there. */
export class SegmentInspector {
  readonly #fileSystem: FileSystem;
  readonly #folder: string;
  readonly #descriptor: GroupDescriptor;
  readonly #problems: LogProblem[];
  readonly #onFrame: (frame: Frame, group: GroupDescriptor) => void;

  constructor(options: {
    readonly fileSystem: FileSystem;
    readonly folder: string;
    readonly descriptor: GroupDescriptor;
    readonly problems: LogProblem[];
    readonly onFrame?: (frame: Frame, group: GroupDescriptor) => void;
  }) {
    this.#fileSystem = options.fileSystem;
    this.#folder = options.folder;
    this.#descriptor = options.descriptor;
    this.#problems = options.problems;
    this.#onFrame = options.onFrame ?? (() => {});
  }

  /** Reads one segment and its index. */
  async inspect(facts: SegmentFacts): Promise<SegmentReport> {
    const path = `${this.#folder}/${segmentFileName(facts.baseIndex, "seg")}`;
    const { baseIndex, lastIndex, baseOffset, nextOffset, sizeBytes, isSealed } = facts;
    const report = { path, baseIndex, lastIndex, baseOffset, nextOffset, sizeBytes, isSealed };
    if (!(await this.#fileSystem.exists(path))) {
      this.#problem(path, 0, "the file is missing");
      return { ...report, frames: 0, indexRows: 0 };
    }
    const positions = await this.#walk(path, facts);
    const indexRows = await this.#checkIndex(facts, positions);
    return { ...report, frames: positions.size, indexRows };
  }

  /** Visits the frames; gives the position of each. */
  async #walk(path: string, facts: SegmentFacts): Promise<ReadonlyMap<number, number>> {
    const positions = new Map<number, number>();
    const handle = await this.#fileSystem.open(path, "read");
    try {
      const header = new Uint8Array(SEGMENT_HEADER_BYTES);
      await handle.read(header, 0);
      const { group, replicaEpoch } = this.#descriptor;
      const found = decodeSegmentHeader(header);
      const isOurs = found?.identity === facts.identity && found.group === group;
      if (!isOurs || found.replicaEpoch !== replicaEpoch) {
        this.#problem(path, 0, "its header does not hold or is another segment's");
      }
      let next = { index: facts.baseIndex, offset: facts.baseOffset };
      let windowBytes = WINDOW_BYTES;
      let position = SEGMENT_HEADER_BYTES;
      while (position < facts.sizeBytes) {
        const window = new Uint8Array(Math.min(windowBytes, facts.sizeBytes - position));
        const bytes = window.subarray(0, await handle.read(window, position));
        let at = 0;
        let decoded = decodeFrame(group, bytes, at);
        while (decoded.ok) {
          const { frame } = decoded;
          if (frame.index !== next.index || frame.baseOffset !== next.offset) {
            const what = `frame ${frame.index} at offset ${frame.baseOffset}`;
            this.#problem(path, position + at, `${what}, expected ${next.index} at ${next.offset}`);
          }
          next = { index: frame.index + 1, offset: frame.baseOffset + frame.span };
          positions.set(frame.index, position + at);
          this.#onFrame(frame, this.#descriptor);
          at = decoded.endPosition;
          decoded = decodeFrame(group, bytes, at);
        }
        const isEnd = position + window.length >= facts.sizeBytes;
        const isWhole = at === bytes.length && bytes.length === window.length;
        if (decoded.reason !== "truncated" || (isEnd && !isWhole)) {
          const lost = facts.lastIndex - next.index + 1;
          this.#problem(path, position + at, `${decoded.reason}; ${lost} frames cannot be read`);
          return positions;
        }
        // A frame larger than the window: a larger one is tried.
        windowBytes = at === 0 ? windowBytes * 4 : WINDOW_BYTES;
        position += at;
      }
      if (next.index !== facts.lastIndex + 1 || next.offset !== facts.nextOffset) {
        const ends = `ends at ${next.index - 1} and offset ${next.offset}`;
        const expected = `the checkpoint says ${facts.lastIndex} and ${facts.nextOffset}`;
        this.#problem(path, position, `${ends}, ${expected}`);
      }
      return positions;
    } finally {
      await handle.close();
    }
  }

  /** An index is only a shortcut, but one that lies is worth knowing. */
  async #checkIndex(facts: SegmentFacts, positions: ReadonlyMap<number, number>): Promise<number> {
    const path = `${this.#folder}/${segmentFileName(facts.baseIndex, "idx")}`;
    if (!(await this.#fileSystem.exists(path))) return 0;
    const { rows } = decodeIndexFile(facts, await readWhole(this.#fileSystem, path));
    for (const [at, row] of rows.entries()) {
      const position = positions.get(row.index);
      if (row.index > facts.lastIndex || position === row.position) continue;
      this.#problem(path, 0, `row ${at} puts frame ${row.index} at byte ${row.position}`);
    }
    return rows.length;
  }

  #problem(path: string, position: number, message: string): void {
    this.#problems.push({ path, position, message });
  }
}

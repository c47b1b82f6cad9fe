import { assert } from "@stratalog/base";
import type { ConfState, Entry, InitialState, LogStorage, Snapshot } from "raft-ts";
import { entryOf } from "../core/entry-frames.ts";
import type { Frame } from "../ports/frame.ts";
import type { LogView } from "../ports/log-storage.ts";

/** Who may hold a fetched run of frames: a follower's replica number, or the apply side. */
export type FrameReader = number | "apply";

/** What a log adapter needs besides the log. */
export interface LogAdapterOptions {
  readonly view: LogView;
  readonly confState: ConfState;
  /** As of which `confState` holds. */
  readonly appliedIndex: number;
  readonly snapshot: () => Snapshot | "pending";
}

/**
 * One group's log as the core reads it: what the log view has in memory, and beside it the runs of
 * frames that were fetched from disk because the core asked for them. A fetched run is kept until
 * it was read past or truncated away; there is at most one per reader.
 */
export class LogAdapter implements LogStorage {
  readonly #options: LogAdapterOptions;
  readonly #view: LogView;
  readonly #fetched = new Map<FrameReader, readonly Frame[]>();

  constructor(options: LogAdapterOptions) {
    this.#options = options;
    this.#view = options.view;
  }

  initialState(): InitialState {
    const { term, vote, commit } = this.#view.hardState;
    const { firstIndex, lastIndex } = this.#view;
    // The hint may be behind what was dropped, or ahead of what survived a crash.
    const clamped = Math.min(Math.max(commit, firstIndex - 1), lastIndex);
    const { confState, appliedIndex } = this.#options;
    const configurationIndexes = this.#view.configIndexes?.filter((index) => index > appliedIndex);
    return {
      hardState: { term, vote, commit: clamped },
      confState,
      ...(configurationIndexes !== undefined && { configurationIndexes }),
    };
  }

  firstIndex(): number {
    return this.#view.firstIndex;
  }

  lastIndex(): number {
    return this.#view.lastIndex;
  }

  term(index: number): number | "compacted" | "unavailable" {
    return this.#view.term(index);
  }

  entries(from: number, to: number, maxBytes: number): readonly Entry[] | "compacted" | "pending" {
    const frames = this.#view.frames(from, to, maxBytes);
    if (frames === "compacted") return frames;
    if (frames !== "pending") return frames.map(entryOf);
    for (const [reader, run] of this.#fetched) {
      const found = cut(run, from, { to, maxBytes });
      if (found.length === 0) continue;
      // Read to its end, it has served; whoever needs it again asks again.
      if (found[found.length - 1] === run[run.length - 1]) this.#fetched.delete(reader);
      return found.map(entryOf);
    }
    return "pending";
  }

  snapshot(): Snapshot | "pending" {
    return this.#options.snapshot();
  }

  /** Keeps a fetched run for its reader, in place of the one before. */
  keep(reader: FrameReader, run: readonly Frame[]): void {
    if (run.length === 0) this.#fetched.delete(reader);
    else this.#fetched.set(reader, run);
  }

  /** Forgets fetched frames at `index` and above: the log has others there now. */
  truncate(index: number): void {
    for (const [reader, run] of this.#fetched) {
      const last = run[run.length - 1];
      if (last === undefined || last.index >= index) this.#fetched.delete(reader);
    }
  }
}

function cut(
  run: readonly Frame[],
  from: number,
  limit: { readonly to: number; readonly maxBytes: number },
): readonly Frame[] {
  const first = run[0];
  if (first === undefined || from < first.index) return [];
  const found: Frame[] = [];
  let bytes = 0;
  for (let i = from - first.index; i < run.length; i++) {
    const frame = run[i];
    if (frame === undefined || frame.index >= limit.to) break;
    assert(frame.index === first.index + i, "a fetched run has a gap");
    bytes += frame.byteLength;
    if (found.length > 0 && bytes > limit.maxBytes) break;
    found.push(frame);
  }
  return found;
}

import type { GroupNumber } from "@stratalog/base";
import type { Entry, Message, Snapshot, StorageAppendMessage } from "raft-ts";
import { snapshotData } from "../core/entry-frames.ts";
import type { Frame, FrameCodec } from "../ports/frame.ts";
import type { GroupWrite, LogView, StoredHardState } from "../ports/log-storage.ts";
import { FrameBook } from "./frame-book.ts";
import type { LogAdapter } from "./log-adapter.ts";
import { PendingWrites } from "./pending-writes.ts";

/** What one group wants stored in one turn, and what may happen once it is. */
export interface GroupWork {
  readonly write: GroupWrite | undefined;
  /** To be stepped or sent after everything that the group has written so far is durable. */
  readonly responses: readonly Message[];
  /** Entries at this index and above are replaced. */
  readonly truncatedFrom: number | undefined;
}

const NO_WORK: GroupWork = { write: undefined, responses: [], truncatedFrom: undefined };

/** What a group's storage side is made with. */
export interface GroupStorageOptions {
  readonly group: GroupNumber;
  readonly view: LogView;
  readonly codec: FrameCodec;
  readonly adapter: LogAdapter;
}

/**
 * Turns what the core of one group wants stored into writes, and knows how far they are durable.
 */
export class GroupStorage {
  readonly #options: GroupStorageOptions;
  readonly #book: FrameBook;
  readonly #writes: PendingWrites;
  /** A commit index that was not worth a sync of its own. */
  #hint: StoredHardState | undefined;

  constructor(options: GroupStorageOptions) {
    this.#options = options;
    this.#book = new FrameBook(options.codec, options.view);
    this.#writes = new PendingWrites(options.view.lastIndex);
  }

  get durableIndex(): number {
    return this.#writes.durableIndex;
  }

  /** Writes that are under way. */
  get pendingCount(): number {
    return this.#writes.count;
  }

  /** Nothing is under way and nothing waits to be written. */
  get isIdle(): boolean {
    return this.#writes.count === 0 && this.#hint === undefined;
  }

  /** The frame of an entry that was written before. */
  frameOf(entry: Entry): Frame {
    return this.#book.frameOf(entry);
  }

  /** The frames of entries to send; undefined when one was replaced before it was written. */
  framesOf(entries: readonly Entry[]): readonly Frame[] | undefined {
    return this.#book.framesOf(entries);
  }

  /**
   * The write that a message of the core asks for; it must be handed to the storage in this turn.
   */
  work(append: StorageAppendMessage | undefined): GroupWork {
    if (append === undefined) return NO_WORK;
    const { hardState, snapshot, responses } = append;
    const { frames, truncateFrom } = this.#book.append(append);
    if (frames.length === 0 && snapshot === undefined && !this.#changesVote(hardState)) {
      // The commit index is only a hint: it travels with the next write instead of costing a sync.
      if (hardState !== undefined) this.#hint = hardState;
      return { write: undefined, responses, truncatedFrom: undefined };
    }
    const newHardState = hardState ?? this.#hint;
    this.#hint = undefined;
    const write: GroupWrite = {
      group: this.#options.group,
      frames,
      ...(newHardState !== undefined && { hardState: newHardState }),
      ...(truncateFrom !== undefined && { truncateFrom }),
      ...(snapshot !== undefined && { reset: resetTo(snapshot) }),
    };
    const goneFrom = snapshot === undefined ? truncateFrom : 1;
    if (goneFrom !== undefined) {
      this.#writes.truncate(goneFrom);
      this.#options.adapter.truncate(goneFrom);
    }
    const last = frames[frames.length - 1];
    this.#writes.begin(last?.index ?? snapshot?.index ?? this.#options.view.lastIndex);
    return { write, responses, truncatedFrom: truncateFrom };
  }

  /** The commit hint that is not stored yet, as a write that nobody waits for. */
  takeHint(): GroupWrite | undefined {
    const hardState = this.#hint;
    if (hardState === undefined) return undefined;
    this.#hint = undefined;
    this.#writes.begin(this.#options.view.lastIndex);
    return { group: this.#options.group, frames: [], hardState };
  }

  /** The oldest write is durable. Answers whether that moved the durable index. */
  complete(): boolean {
    return this.#writes.complete();
  }

  #changesVote(hardState: StoredHardState | undefined): boolean {
    const { term, vote } = this.#options.view.hardState;
    return hardState !== undefined && (hardState.term !== term || hardState.vote !== vote);
  }
}

function resetTo({ index, term, data }: Snapshot): GroupWrite["reset"] & object {
  return { index, term, nextOffset: snapshotData(data).nextOffset };
}

import type { GroupNumber } from "@stratalog/base";
import type { Want } from "raft-ts";
import type { Frame } from "../ports/frame.ts";
import type { LogView } from "../ports/log-storage.ts";

/** One read from a group's log on disk. */
export interface FetchRequest {
  readonly group: GroupNumber;
  readonly view: LogView;
  readonly want: Want;
  readonly onFrames: (frames: readonly Frame[] | "compacted") => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Reads log entries from disk for slow followers and for apply, a few at a time over all groups.
 *
 * Invariant: one read per group and reader, under way or waiting, so the queue is bounded by groups
 * times replicas.
 */
export class FetchQueue {
  readonly #countMax: number;
  readonly #waiting = new Map<string, FetchRequest>();
  readonly #underWay = new Set<string>();

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /**
   * Adds a read; the same reader's read that is under way already is enough, and a waiting one is
   * replaced.
   */
  add(request: FetchRequest): void {
    const key = `${request.group} ${request.want.for}`;
    if (this.#underWay.has(key)) return;
    this.#waiting.set(key, request);
    this.#startNext();
  }

  /** Forgets the waiting reads of a group. */
  drop(group: GroupNumber): void {
    for (const [key, request] of this.#waiting) {
      if (request.group === group) this.#waiting.delete(key);
    }
  }

  #startNext(): void {
    for (const [key, request] of this.#waiting) {
      if (this.#underWay.size >= this.#countMax) return;
      this.#waiting.delete(key);
      this.#underWay.add(key);
      const { from, to, maxBytes } = request.want;
      request.view.fetchFrames(from, to, maxBytes).then(
        (frames) => this.#finish(key, () => request.onFrames(frames)),
        (error: unknown) => this.#finish(key, () => request.onError(error)),
      );
    }
  }

  #finish(key: string, deliver: () => void): void {
    this.#underWay.delete(key);
    deliver();
    this.#startNext();
  }
}

import { assert } from "@stratalog/base";

/** An answer that waits for its entry. */
export interface ParkedAnswer {
  release(): void;
  reject(reason: RejectReason): void;
}

/**
 * lost-leadership: it was proposed and may yet be carried out; not-proposed, overloaded: nothing
 * happened.
 */
export type RejectReason = "lost-leadership" | "not-proposed" | "overloaded";

interface ParkedEntry {
  readonly index: number;
  readonly term: number;
  readonly answers: readonly ParkedAnswer[];
}

/**
 * Answers whose entries are proposed and not yet applied, in order of index. Invariant: indexes
 * grow strictly; all are of one term, because a new term rejects what an older one parked.
 */
export class ParkedAnswers {
  #entries: ParkedEntry[] = [];

  /** Number of entries in flight. */
  get entryCount(): number {
    return this.#entries.length;
  }

  /** Parks the answers of a proposed entry. */
  park(entry: ParkedEntry): void {
    const last = this.#entries.at(-1);
    assert(last === undefined || last.index < entry.index, "entries are parked in order");
    this.#entries.push(entry);
  }

  /**
   * Parks an answer that made no records but may have seen those in flight; false when there are
   * none.
   */
  parkBehindLast(answer: ParkedAnswer): boolean {
    const last = this.#entries.pop();
    if (last === undefined) return false;
    this.#entries.push({ ...last, answers: [...last.answers, answer] });
    return true;
  }

  /**
   * An entry was applied: releases its answers, or rejects them when another leader's entry took
   * its index.
   */
  applied(index: number, term: number): void {
    while (this.#entries.length > 0) {
      const first = this.#entries[0];
      if (first === undefined || first.index > index) return;
      this.#entries.shift();
      const isOurs = first.index === index && first.term === term;
      for (const answer of first.answers) {
        if (isOurs) answer.release();
        else answer.reject("lost-leadership");
      }
    }
  }

  /** Leadership is gone: nobody waits for what may never come. */
  rejectAll(): void {
    const entries = this.#entries;
    this.#entries = [];
    for (const { answers } of entries) {
      for (const answer of answers) answer.reject("lost-leadership");
    }
  }
}

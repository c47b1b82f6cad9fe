import { assert } from "@stratalog/base";
import type { Frame } from "../ports/frame.ts";

/**
 * How far one group's committed frames were delivered to its listener.
 *
 * Invariant: frames are delivered in order without a gap, each once; `index` ≤ commit.
 */
export class Delivery {
  #index: number;
  #nextOffset = 0;
  #term = 0;

  constructor(appliedIndex: number) {
    this.#index = appliedIndex;
  }

  /** Index of the last delivered frame. */
  get index(): number {
    return this.#index;
  }

  /** Offset after the last delivered frame; 0 until one was delivered in this life. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  /** Term of the last delivered frame; 0 until one was delivered in this life. */
  get term(): number {
    return this.#term;
  }

  /** Counts a frame as delivered. */
  take(frame: Frame): void {
    assert(frame.index === this.#index + 1, `frame ${frame.index} delivered after ${this.#index}`);
    this.#index = frame.index;
    this.#nextOffset = frame.baseOffset + frame.span;
    this.#term = frame.term;
  }

  /** A snapshot stands for everything up to its index; one that is not news changes nothing. */
  jump(snapshot: {
    readonly index: number;
    readonly term: number;
    readonly nextOffset: number;
  }): void {
    if (snapshot.index <= this.#index) return;
    this.#index = snapshot.index;
    this.#nextOffset = snapshot.nextOffset;
    this.#term = snapshot.term;
  }
}

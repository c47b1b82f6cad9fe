import { present } from "@stratalog/base";
import type { ConfState } from "raft-ts";

interface Membership {
  /** Index of the entry that brought it. */
  readonly index: number;
  readonly confState: ConfState;
}

/**
 * The memberships of one group by index: a snapshot carries the one as of its own index, since
 * whoever installs it goes on to apply the configuration entries above. Ascending by index; never
 * empty.
 */
export class Memberships {
  #known: Membership[];

  /** `confState` holds as of `index`. */
  constructor(index: number, confState: ConfState) {
    this.#known = [{ index, confState }];
  }

  /** The one in force. */
  get current(): ConfState {
    return present(this.#known[this.#known.length - 1], "membership").confState;
  }

  /** A membership took effect. */
  add(index: number, confState: ConfState): void {
    this.#known.push({ index, confState });
  }

  /** A snapshot brought a membership: what was known before it does not count any more. */
  reset(index: number, confState: ConfState): void {
    this.#known = [{ index, confState }];
  }

  /** Forgets what no snapshot at `index` or above needs. */
  trim(index: number): void {
    const next = this.#known.findIndex((membership) => membership.index > index);
    const keptFrom = next === -1 ? this.#known.length - 1 : next - 1;
    if (keptFrom > 0) this.#known = this.#known.slice(keptFrom);
  }

  /** The membership as of an index; the oldest known one for an earlier index. */
  at(index: number): ConfState | undefined {
    const found = this.#known.findLast((membership) => membership.index <= index);
    return (found ?? this.#known[0])?.confState;
  }
}

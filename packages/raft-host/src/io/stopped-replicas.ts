import type { GroupNumber } from "@stratalog/base";
import { NO_FRAMES, type WireMessage } from "../core/wire-message.ts";

/**
 * Replicas of this host that take part in nothing any more. The others of their groups are told:
 * all of them when it happens, and whoever still writes to one. So a group does not wait for a
 * leader that is none, and rests without a follower that never answers.
 */
export class StoppedReplicas {
  readonly #send: (to: number, message: WireMessage) => void;
  readonly #stopped = new Map<GroupNumber, number>();
  /** Messages for replicas that do not run here. */
  strayCount = 0;

  constructor(send: (to: number, message: WireMessage) => void) {
    this.#send = send;
  }

  /** A replica stopped; `others` are told. */
  add(group: GroupNumber, self: number, others: readonly number[]): void {
    this.#stopped.set(group, self);
    for (const other of others) this.#tell(group, self, other);
  }

  /** The group has a replica here again, or none any more. */
  drop(group: GroupNumber): void {
    this.#stopped.delete(group);
  }

  /** A message came for a replica that does not run here. */
  answer({ group, message }: WireMessage): void {
    this.strayCount++;
    if (message.type === "stopped" || this.#stopped.get(group) !== message.to) return;
    this.#tell(group, message.to, message.from);
  }

  #tell(group: GroupNumber, from: number, to: number): void {
    this.#send(to, { group, message: { type: "stopped", from, to, term: 0 }, frames: NO_FRAMES });
  }
}

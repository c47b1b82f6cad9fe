import { assert, CodedError } from "@stratalog/base";
import type { Frame } from "../ports/frame.ts";
import type { ProposeAnswer, Replication, ReplicationListener } from "../ports/replication.ts";
import type { MemoryLog } from "./memory-log.ts";

const NO_PAYLOAD = new Uint8Array(0);

/** A Raft group whose elections, commits and losses happen when a test says so. */
export class FakeReplication implements Replication {
  readonly self = 1;
  term = 0;
  role = "follower";
  leader: number | undefined;
  /** What the next proposal is refused with. */
  refusal: string | undefined;
  /** How `confirmLeadership` ends: a quorum answers, says no, or is out of reach. */
  quorum: "confirms" | "denies" | "silent" = "confirms";
  readonly #log: MemoryLog;
  readonly #listener: ReplicationListener;
  #termStartIndex = 0;

  constructor(log: MemoryLog, listener: ReplicationListener) {
    this.#log = log;
    this.#listener = listener;
  }

  get isLeaderReady(): boolean {
    return this.role === "leader" && this.#log.hardState.commit >= this.#termStartIndex;
  }

  get nextOffset(): number {
    return this.#log.nextOffset;
  }

  propose(proposal: {
    readonly kind: "data" | "command";
    readonly payload: Uint8Array;
    readonly span: number;
  }): ProposeAnswer {
    if (this.refusal !== undefined) return { ok: false, reason: this.refusal };
    if (this.role !== "leader") return { ok: false, reason: "not-leader" };
    const { index, term, baseOffset } = this.#log.append({ ...proposal, term: this.term });
    return { ok: true, index, term, baseOffset };
  }

  confirmLeadership(): Promise<number> {
    switch (this.quorum) {
      case "confirms":
        return Promise.resolve(this.#log.hardState.commit);
      case "denies":
        return Promise.reject(new CodedError("NOT_LEADER", "a newer leader exists"));
      case "silent":
        return new Promise(() => {});
    }
  }

  /** Wins an election: a new term and its first entry, not yet committed. */
  becomeLeader(): void {
    this.term++;
    this.role = "leader";
    this.leader = this.self;
    const payload = NO_PAYLOAD;
    const first = this.#log.append({ kind: "noop", term: this.term, span: 0, payload });
    this.#termStartIndex = first.index;
    this.#listener.onRole({ role: this.role, term: this.term, leader: this.leader });
  }

  /** Follows a leader of a later term, which replaces what was not committed here. */
  becomeFollower(options: { readonly leader: number; readonly truncate: boolean }): void {
    this.term++;
    this.role = "follower";
    this.leader = options.leader;
    if (options.truncate) this.#log.truncateFrom(this.#log.hardState.commit + 1);
    this.#listener.onRole({ role: this.role, term: this.term, leader: this.leader });
  }

  /** An entry of another leader arrives. */
  receive(fields: Pick<Frame, "kind" | "payload" | "span">): void {
    assert(this.role === "follower", "only a follower receives");
    this.#log.append({ ...fields, term: this.term });
  }

  /** Commits the log up to an index, by default all of it. */
  commit(index = this.#log.lastIndex): void {
    const from = this.#log.hardState.commit;
    this.#log.hardState.commit = index;
    this.#listener.onCommitted(this.#log.frames.slice(from, index));
  }

  /** Delivers committed frames again from after an index, as a restarted group does. */
  replay(afterIndex: number): void {
    this.#listener.onCommitted(this.#log.frames.slice(afterIndex, this.#log.hardState.commit));
  }

  durable(index = this.#log.lastIndex): void {
    this.#listener.onDurable(index);
  }
}

import { assert, type GroupNumber } from "@stratalog/base";
import type { RaftNode } from "raft-ts";
import { refusalReason } from "../core/refusal-reason.ts";
import type { Frame, FrameCodec } from "../ports/frame.ts";
import type { LogView } from "../ports/log-storage.ts";
import type { Proposal, ProposalResult } from "../ports/raft-group.ts";
import type { ProposalBudget } from "./proposal-budget.ts";

/** What a leadership is made with. */
export interface LeadershipOptions {
  readonly group: GroupNumber;
  readonly node: RaftNode;
  readonly view: LogView;
  readonly codec: FrameCodec;
  readonly budget: ProposalBudget;
}

/**
 * The time in which a replica may assign offsets: from the turn after the one in which it became
 * leader was written, when the end of the log is known, until the core's role or term is another.
 */
export class Leadership {
  readonly #options: LeadershipOptions;
  /** 0 while there is none. */
  #term = 0;
  #nextOffset = 0;

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  /** Term in which it began; 0 when it has ended. */
  get term(): number {
    return this.#term;
  }

  /** Whether the core agrees at this moment. */
  get isHeld(): boolean {
    const { node } = this.#options;
    return this.#term !== 0 && node.term === this.#term && node.role === "leader";
  }

  /** Offset that the next proposal takes. Of use while it is held. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  begin(term: number): void {
    this.end();
    this.#term = term;
    this.#nextOffset = this.#options.view.nextOffset;
  }

  end(): void {
    this.#term = 0;
    this.#options.budget.close(this.#options.group);
  }

  /** Appends an entry on this leader, at the offset that was promised. */
  propose({ kind, payload, span }: Proposal): ProposalResult {
    if (!this.isHeld) return { ok: false, reason: "not-leader" };
    const { codec, budget, node, group } = this.#options;
    assert((kind === "data") === span > 0, `${kind} of span ${span}`);
    const [term, index, baseOffset] = [this.#term, node.lastIndex + 1, this.#nextOffset];
    const frame = codec.create({ kind, term, index, baseOffset, span, payload });
    if (!budget.hasRoom(frame.byteLength)) return { ok: false, reason: "overloaded" };
    const result = node.propose(frame);
    if (!result.accepted) return { ok: false, reason: refusalReason(result.reason) };
    assert(result.index === index && result.term === term, "a proposal took another position");
    budget.open(group, frame.byteLength);
    this.#nextOffset += span;
    return { ok: true, index, term, baseOffset };
  }

  /** A frame was applied: what it held of the budget is free again. */
  settle({ term, byteLength }: Frame): void {
    if (term === this.#term) this.#options.budget.settle(this.#options.group, byteLength);
  }
}

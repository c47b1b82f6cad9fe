import { RaftLog } from "./log/raft-log.ts";
import { isLearner, isVoter, restoreConfState } from "./membership/configuration.ts";
import type { AppendResponse, Message, VoteRequest, VoteResponse } from "./messages.ts";
import type { ResolvedOptions } from "./options.ts";
import type { Want } from "./ready.ts";
import { FOLLOWER, type Role } from "./role.ts";
import {
  type ConfState,
  type HardState,
  NO_REPLICA,
  type ReadState,
  type ReplicaId,
} from "./types.ts";

/**
 * Everything one replica knows, and the outputs that gather until the next Ready. The rules that
 * change it are in the files beside this one; `role` and `term` are written by `transitions.ts`
 * alone.
 */
export class ReplicaState {
  readonly id: ReplicaId;
  readonly options: ResolvedOptions;
  readonly log: RaftLog;
  term: number;
  vote: ReplicaId;
  /** Known leader of `term`; `NO_REPLICA` for none. */
  leader: ReplicaId = NO_REPLICA;
  role: Role = FOLLOWER;
  confState: ConfState;
  /**
   * Ticks since this replica heard from a leader, granted a vote, or, leading, checked its quorum.
   */
  electionElapsed = 0;
  /** Ticks of silence after which this replica campaigns, in [electionTicks, 2 * electionTicks). */
  randomizedElectionTicks = 0;
  /** Ticks since committed entries to apply were asked for. */
  pendingApplyTicks = 0;
  /** May leave at once. None is for this replica. */
  messages: Message[] = [];
  /** May leave, or be stepped here, when all that is unstable now is durable. */
  messagesAfterAppend: (AppendResponse | VoteRequest | VoteResponse)[] = [];
  readStates: ReadState[] = [];
  wants: Want[] = [];

  constructor(options: ResolvedOptions) {
    this.id = options.id;
    this.options = options;
    const { hardState, confState, configurationIndexes } = options.storage.initialState();
    this.confState = restoreConfState(confState);
    this.term = hardState.term;
    this.vote = hardState.vote;
    this.log = new RaftLog({
      storage: options.storage,
      commit: hardState.commit,
      applied: options.applied,
      configurationIndexes,
      maxApplyingBytes: options.maxCommittedBytesPerReady,
    });
  }

  hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.log.committed };
  }

  /** A message that may leave before anything is durable. */
  send(message: Message): void {
    this.messages.push(message);
  }

  /**
   * A vote, or an acknowledgement of log entries: it promises something that must survive a restart
   * (thesis, section 3.8), so it waits for the disk. Refusals wait too: they may rest on state that
   * is not durable yet. So does a request for votes that claims entries which are not durable.
   */
  sendAfterAppend(message: AppendResponse | VoteRequest | VoteResponse): void {
    this.messagesAfterAppend.push(message);
  }

  /** Acknowledges to `to` that the log is durable and matches through `index`. */
  acknowledge(to: ReplicaId, index: number): void {
    this.sendAfterAppend({
      type: "append-response",
      from: this.id,
      to,
      term: this.term,
      index,
      reject: false,
      hintIndex: 0,
      hintTerm: 0,
    });
  }

  /** Whether this replica may be elected: a voter whose state is not about to be replaced. */
  get isPromotable(): boolean {
    return (
      isVoter(this.confState, this.id) &&
      !isLearner(this.confState, this.id) &&
      this.log.unstable.snapshot === undefined
    );
  }

  /**
   * Until then a leader does not know which of its entries are committed (Raft paper, section 8).
   */
  get hasCommittedInTerm(): boolean {
    return this.log.term(this.log.committed) === this.term;
  }
}

import { CodedError, type Deferred } from "@stratalog/base";
import { encodeEntry } from "../core/command-entry.ts";
import type { Decision } from "../core/definition.ts";
import { type ParkedAnswer, ParkedAnswers } from "../core/parked-answers.ts";
import type { ReplicationGroup } from "../ports/raft-group.ts";
import { DEFAULT_LIMITS, type StateMachineLimits, type StateMachineOptions } from "./options.ts";
import { type Submission, SubmissionQueue } from "./submission-queue.ts";

/** A leader whose first entry is not applied yet is asked again after this. */
const READY_RETRY_MS = 5;

/**
 * The leader's side of a state machine: commands in, entries out, answers parked until their entry
 * is applied.
 *
 * Handlers see the speculative state: the applied one plus every entry in flight. It exists only
 * while entries are in flight under one term; when leadership or an entry is lost it is dropped and
 * the applied state counts again.
 */
export class Proposer<State, Command, Record, Response> {
  readonly #options: StateMachineOptions<State, Command, Record, Response>;
  readonly #limits: StateMachineLimits;
  readonly #queue: SubmissionQueue<Command, Response>;
  readonly #parked = new ParkedAnswers();
  readonly #appliedState: () => State;
  #speculative: { readonly state: State } | undefined;
  #group: ReplicationGroup | undefined;
  #isScheduled = false;
  #isClosed = false;

  constructor(
    options: StateMachineOptions<State, Command, Record, Response>,
    appliedState: () => State,
  ) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#queue = new SubmissionQueue(this.#limits.submissionsMax);
    this.#appliedState = appliedState;
  }

  attach(group: ReplicationGroup): void {
    this.#group = group;
  }

  submit(command: Command): Promise<Response> {
    if (this.#isClosed) return Promise.reject(this.#closed());
    if (this.#group?.role !== "leader") return Promise.reject(this.#notLeader());
    const answer = this.#queue.push(command);
    this.#schedule();
    return answer;
  }

  /** An entry was applied; its answers go out. */
  onApplied(index: number, term: number): void {
    this.#parked.applied(index, term);
    if (this.#parked.entryCount === 0) this.#speculative = undefined;
    if (this.#queue.length > 0) this.#schedule();
  }

  /**
   * Leadership moved or a snapshot replaced the state: what was in flight may or may not come to
   * be.
   */
  onLeadershipLost(): void {
    this.#speculative = undefined;
    this.#parked.rejectAll();
    this.#queue.rejectAll(() => this.#notLeader());
  }

  close(): void {
    this.#isClosed = true;
    this.#speculative = undefined;
    this.#parked.rejectAll();
    this.#queue.rejectAll(() => this.#closed());
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.timers.endOfTurn(() => {
      this.#isScheduled = false;
      this.#drain();
    });
  }

  #drain(): void {
    const group = this.#group;
    if (this.#isClosed || this.#queue.length === 0) return;
    if (group?.role !== "leader") {
      this.#queue.rejectAll(() => this.#notLeader());
      return;
    }
    if (!group.isLeaderReady) {
      this.#options.timers.after(READY_RETRY_MS, () => this.#schedule());
      return;
    }
    if (this.#parked.entryCount >= this.#limits.entriesInFlightMax) return;
    this.#proposeOne(group);
    if (this.#queue.length > 0) this.#schedule();
  }

  /** Handles commands until an entry is full, and proposes it. */
  #proposeOne(group: ReplicationGroup): void {
    const { commandsPerEntryMax, entryBytesMax } = this.#limits;
    const before = this.#speculative;
    const records: string[] = [];
    const answers: ParkedAnswer[] = [];
    let bytes = 0;
    for (let count = 0; count < commandsPerEntryMax && bytes < entryBytesMax; count++) {
      const submission = this.#queue.shift();
      if (submission === undefined) break;
      const decision = this.#handle(submission);
      if (decision === undefined) continue;
      answers.push(this.#answerOf(submission.answer, decision));
      for (const text of this.#speculate(decision)) {
        records.push(text);
        bytes += text.length;
      }
    }
    if (records.length === 0) {
      this.#answerWithoutRecords(answers);
      return;
    }
    const outcome = group.propose({ kind: "command", payload: encodeEntry(records), span: 0 });
    if (outcome.ok) {
      this.#parked.park({ index: outcome.index, term: outcome.term, answers });
      return;
    }
    // Nothing of it is in the log: the state is what it was before these commands.
    this.#speculative = before;
    const reason = outcome.reason === "overloaded" ? "overloaded" : "not-proposed";
    for (const answer of answers) answer.reject(reason);
  }

  #handle(submission: Submission<Command, Response>): Decision<Record, Response> | undefined {
    const { definition, clock, random, logger } = this.#options;
    try {
      const context = { nowMs: clock.wallMs(), random };
      return definition.handle(this.#state(), submission.command, context);
    } catch (error) {
      // A handler changes nothing, so its bug costs this one command.
      logger.error({ stateMachine: definition.name, error }, "a command's handler failed");
      submission.answer.reject(CodedError.from(error));
      return undefined;
    }
  }

  /** Replays a decision's records onto the speculative state; answers their texts. */
  #speculate(decision: Decision<Record, Response>): readonly string[] {
    if (!decision.ok || decision.records.length === 0) return [];
    const { definition } = this.#options;
    let state = this.#state();
    for (const record of decision.records) state = definition.replay(state, record);
    this.#speculative = { state };
    return decision.records.map((record) => JSON.stringify(definition.recordToJson(record)));
  }

  #state(): State {
    return this.#speculative === undefined ? this.#appliedState() : this.#speculative.state;
  }

  /**
   * They may have seen what is in flight, so they wait for it; with nothing in flight they saw the
   * applied state.
   */
  #answerWithoutRecords(answers: readonly ParkedAnswer[]): void {
    for (const answer of answers) {
      if (!this.#parked.parkBehindLast(answer)) answer.release();
    }
  }

  #answerOf(answer: Deferred<Response>, decision: Decision<Record, Response>): ParkedAnswer {
    const wasRead = decision.ok && decision.records.length === 0;
    return {
      release: () => {
        if (decision.ok) answer.resolve(decision.response);
        else answer.reject(refusalError(decision));
      },
      reject: (reason) => {
        const isInFlight = reason === "lost-leadership" && decision.ok && !wasRead;
        if (reason === "overloaded") answer.reject(this.#overloaded());
        else answer.reject(isInFlight ? this.#outcomeUnknown() : this.#notLeader());
      },
    };
  }

  #notLeader(): CodedError {
    const { definition } = this.#options;
    const leader = this.#group?.leader;
    const details = leader === undefined ? {} : { leaderReplica: leader };
    return new CodedError("NOT_LEADER", `this replica does not lead ${definition.name}`, {
      details,
    });
  }

  #outcomeUnknown(): CodedError {
    const { name } = this.#options.definition;
    return new CodedError(
      "OUTCOME_UNKNOWN",
      `leadership of ${name} moved while the command was in flight; it may have been carried out`,
    );
  }

  #overloaded(): CodedError {
    const { name } = this.#options.definition;
    return new CodedError("THROTTLED", `the log of ${name} is full; try again a little later`);
  }

  #closed(): CodedError {
    return new CodedError(
      "NOT_LEADER",
      `this replica of ${this.#options.definition.name} is closed`,
    );
  }
}

function refusalError(decision: Decision<unknown, unknown> & { readonly ok: false }): CodedError {
  const { code, message, details } = decision;
  return new CodedError(code, message, details === undefined ? {} : { details });
}

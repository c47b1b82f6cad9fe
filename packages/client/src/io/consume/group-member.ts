import { CodedError } from "@stratalog/base";
import { backoffMs, RETRY_BACKOFF } from "../../core/backoff.ts";
import { type TopicPartition, without } from "../../core/topic-partition.ts";
import type { Cluster } from "../cluster.ts";
import { Scope } from "../scope.ts";
import type { ConsumerSettings } from "./consumer-options.ts";
import { type Assignment, GroupSession } from "./group-session.ts";

/** What the consumer does with partitions as they come and go. */
export interface PartitionHost {
  owned(): readonly TopicPartition[];
  /** Lets the loop leave them, commits, and lets them go. */
  giveUp(partitions: readonly TopicPartition[]): Promise<void>;
  /** Begins to read them, unless `isWanted` says no by then. */
  takeOn(partitions: readonly TopicPartition[], isWanted: () => boolean): Promise<void>;
  /** Lets everything go at once: it may be somebody else's by now. */
  lose(error: CodedError): void;
  fail(error: CodedError): void;
}

/**
 * Carries out what the coordinator assigns, one assignment after the other: gives up first, says
 * so, then takes on. Only the newest assignment counts.
 */
export class GroupMember {
  readonly session: GroupSession;
  readonly #cluster: Cluster;
  readonly #host: PartitionHost;
  readonly #scope: Scope;
  #target: Assignment | undefined;
  #done: Assignment | undefined;
  #isReconciling = false;

  constructor(
    cluster: Cluster,
    options: {
      readonly groupId: string;
      readonly settings: ConsumerSettings;
      readonly scope: Scope;
      /** Milliseconds for which the oldest record has been in hand; 0 for none. */
      readonly heldMs: () => number;
      readonly host: PartitionHost;
    },
  ) {
    this.#cluster = cluster;
    this.#host = options.host;
    this.#scope = new Scope("group member", cluster.environment.timers, options.scope);
    this.session = new GroupSession(cluster, {
      groupId: options.groupId,
      settings: options.settings,
      scope: this.#scope,
      heldMs: options.heldMs,
      listener: {
        onAssign: (assignment) => {
          this.#target = assignment;
          void this.#reconcile();
        },
        onLost: (error) => {
          this.#target = undefined;
          this.#done = undefined;
          options.host.lose(error);
        },
        onFatal: (error) => options.host.fail(error),
      },
    });
  }

  /** Leaves the group; takes at most about `timeoutMs`. */
  async leave(timeoutMs: number): Promise<void> {
    // Both: a target that differs from what is done would be carried out, for ever.
    this.#target = undefined;
    this.#done = undefined;
    await this.session.leave(timeoutMs);
    this.#scope.close();
  }

  /** Runs until the newest assignment is carried out; never rejects. */
  async #reconcile(): Promise<void> {
    if (this.#isReconciling) return;
    this.#isReconciling = true;
    for (let attempt = 1; this.#target !== this.#done && !this.#scope.isClosed; attempt++) {
      try {
        await this.#carryOut(this.#target);
        attempt = 0;
      } catch (thrown) {
        const error = CodedError.from(thrown);
        if (this.#scope.isClosed) break;
        if (!error.retriable) {
          this.#host.fail(error);
          break;
        }
        this.#cluster.environment.logger.warn({ error: error.message }, "assignment delayed");
        const waitMs = backoffMs(RETRY_BACKOFF, attempt, this.#cluster.environment.random);
        // A scope that closes meanwhile ends the loop.
        await this.#scope.sleep(waitMs).catch(() => {});
      }
    }
    this.#isReconciling = false;
  }

  async #carryOut(target: Assignment | undefined): Promise<void> {
    if (target === undefined) return;
    const isWanted = (): boolean => this.#target === target;
    const tooMany = without(this.#host.owned(), target.partitions);
    if (tooMany.length > 0) await this.#host.giveUp(tooMany);
    if (!isWanted()) return;
    this.session.acknowledge(target.revision, target.partitions);
    const missing = without(target.partitions, this.#host.owned());
    if (missing.length > 0) await this.#host.takeOn(missing, isWanted);
    if (isWanted()) this.#done = target;
  }
}

import type { Clock, GroupNumber, Random, Timer, Timers } from "@stratalog/base";

/** What a campaign schedule needs. */
export interface CampaignScheduleOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /**
   * Campaigns for the group unless that is needless by now; says whether to try again after a
   * pause. `attempt` counts from 1.
   */
  readonly campaign: (group: GroupNumber, attempt: number) => "again" | "done";
}

interface Planned {
  dueMs: number;
  /** Pause before the next attempt. */
  retryMs: number;
  attemptCount: number;
}

const RESOLUTION_MS = 10;
/** Elections of one step: starting thousands at once would make each of them late. */
const CAMPAIGN_COUNT_MAX = 64;
/**
 * Doubles with each attempt: a busy host's votes take a while, and asking again only adds to it.
 * Up to half as much is added, so that two who split the votes do not ask in step again.
 */
const RETRY_MS = 100;
const ATTEMPT_COUNT_MAX = 6;

/** Elections that are wanted before any election timeout runs out. At most one plan per group. */
export class CampaignSchedule {
  readonly #options: CampaignScheduleOptions;
  readonly #planned = new Map<GroupNumber, Planned>();
  #timer: Timer | undefined;
  #timerMs = 0;

  constructor(options: CampaignScheduleOptions) {
    this.#options = options;
  }

  /** Plans an election `delayMs` from now, and retries while the group stays without a leader. */
  plan(group: GroupNumber, delayMs: number): void {
    const dueMs = this.#options.clock.monotonicMs() + delayMs;
    this.#planned.set(group, { dueMs, retryMs: RETRY_MS, attemptCount: 0 });
    this.#wakeAt(dueMs);
  }

  /** This replica's turn has come: its planned election, if there is one, comes within `delayMs`. */
  hasten(group: GroupNumber, delayMs: number): void {
    const plan = this.#planned.get(group);
    if (plan === undefined) return;
    plan.dueMs = Math.min(plan.dueMs, this.#options.clock.monotonicMs() + delayMs);
    this.#wakeAt(plan.dueMs);
  }

  /** Another one's election is under way: a planned one waits for at least `delayMs`. */
  postpone(group: GroupNumber, delayMs: number): void {
    const plan = this.#planned.get(group);
    if (plan === undefined) return;
    plan.dueMs = Math.max(plan.dueMs, this.#options.clock.monotonicMs() + delayMs);
  }

  drop(group: GroupNumber): void {
    this.#planned.delete(group);
  }

  /** Something changed for the better: elections that were tried in vain are tried again now. */
  hurry(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const plan of this.#planned.values()) if (plan.attemptCount > 0) plan.dueMs = nowMs;
    this.#schedule();
  }

  stop(): void {
    this.#planned.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Sets the timer for the first plan. */
  #schedule(): void {
    if (this.#planned.size === 0) return;
    let firstMs = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#planned.values()) firstMs = Math.min(firstMs, dueMs);
    this.#wakeAt(firstMs);
  }

  /** Sets the timer, unless it is set for that time or an earlier one. */
  #wakeAt(timeMs: number): void {
    if (this.#timer !== undefined && this.#timerMs <= timeMs) return;
    this.#timer?.cancel();
    this.#timerMs = timeMs;
    const delayMs = Math.max(timeMs - this.#options.clock.monotonicMs(), 0);
    this.#timer = this.#options.timers.after(delayMs, () => this.#fire());
  }

  #fire(): void {
    this.#timer = undefined;
    const { clock, random, campaign } = this.#options;
    const nowMs = clock.monotonicMs();
    let count = 0;
    for (const [group, plan] of this.#planned) {
      if (plan.dueMs > nowMs) continue;
      if (count === CAMPAIGN_COUNT_MAX) {
        plan.dueMs = nowMs + RESOLUTION_MS;
        continue;
      }
      count++;
      plan.attemptCount++;
      const isDone = campaign(group, plan.attemptCount) === "done";
      if (isDone || plan.attemptCount === ATTEMPT_COUNT_MAX) this.#planned.delete(group);
      plan.dueMs = nowMs + plan.retryMs + random.below(Math.floor(plan.retryMs / 2) + 1);
      plan.retryMs *= 2;
    }
    this.#schedule();
  }
}

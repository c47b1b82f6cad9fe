import type { Clock, GroupNumber, Timer, Timers } from "@stratalog/base";

/** What a campaign schedule needs. */
export interface CampaignScheduleOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /**
   * Campaigns for the group unless that is needless by now; says whether to try again after a
   * pause.
   */
  readonly campaign: (group: GroupNumber) => "again" | "done";
}

interface Planned {
  dueMs: number;
  /** Pause before the next attempt. */
  retryMs: number;
  attemptsLeft: number;
}

const RESOLUTION_MS = 10;
/** Elections of one step: starting thousands at once would make each of them late. */
const CAMPAIGN_COUNT_MAX = 64;
/** Doubles with each attempt: a busy host's votes take a while, and asking again only adds to it. */
const RETRY_MS = 200;
const ATTEMPT_COUNT = 5;

/** Elections that are wanted before any election timeout runs out. At most one plan per group. */
export class CampaignSchedule {
  readonly #options: CampaignScheduleOptions;
  readonly #planned = new Map<GroupNumber, Planned>();
  #timer: Timer | undefined;

  constructor(options: CampaignScheduleOptions) {
    this.#options = options;
  }

  /** Plans an election `delayMs` from now, and retries while the group stays without a leader. */
  plan(group: GroupNumber, delayMs: number): void {
    const dueMs = this.#options.clock.monotonicMs() + delayMs;
    this.#planned.set(group, { dueMs, retryMs: RETRY_MS, attemptsLeft: ATTEMPT_COUNT });
    this.#schedule();
  }

  drop(group: GroupNumber): void {
    this.#planned.delete(group);
  }

  /** Something changed for the better: elections that were tried in vain are tried again now. */
  hurry(): void {
    const nowMs = this.#options.clock.monotonicMs();
    for (const plan of this.#planned.values()) if (plan.retryMs > RETRY_MS) plan.dueMs = nowMs;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#schedule();
  }

  stop(): void {
    this.#planned.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#planned.size === 0) return;
    const nowMs = this.#options.clock.monotonicMs();
    let firstMs = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#planned.values()) firstMs = Math.min(firstMs, dueMs);
    const delayMs = Math.max(firstMs - nowMs, 0);
    this.#timer = this.#options.timers.after(delayMs, () => this.#fire());
  }

  #fire(): void {
    this.#timer = undefined;
    const nowMs = this.#options.clock.monotonicMs();
    let count = 0;
    for (const [group, plan] of this.#planned) {
      if (plan.dueMs > nowMs) continue;
      if (count === CAMPAIGN_COUNT_MAX) {
        plan.dueMs = nowMs + RESOLUTION_MS;
        continue;
      }
      count++;
      plan.attemptsLeft--;
      const isOver = this.#options.campaign(group) === "done" || plan.attemptsLeft === 0;
      if (isOver) this.#planned.delete(group);
      plan.dueMs = nowMs + plan.retryMs;
      plan.retryMs *= 2;
    }
    this.#schedule();
  }
}

import type { Clock, Timers } from "@stratalog/base";
import { CodedError, sleep } from "@stratalog/base";
import type { History } from "../history/history.ts";
import type { OrderGenerator } from "../orders/order-generator.ts";
import type { AckLedger } from "./ack-ledger.ts";
import type { DeliveryLedger } from "./delivery-ledger.ts";
import type { TourClient } from "./tour-client.ts";
import type { TourReport } from "./tour-report.ts";

/** What the tour does to the brokers. */
export interface TourCluster {
  readonly brokerIds: readonly number[];
  /** `kill -9`; resolves when the process is gone. */
  kill(id: number): Promise<void>;
  /** Starts the broker again over its data; resolves when it is ready. */
  restart(id: number): Promise<void>;
  /** Sum of the log end offsets of a broker's replicas; undefined while it does not answer. */
  storedCount(id: number): Promise<number | undefined>;
}

/** Names and sizes of one tour. */
export interface TourPlan {
  readonly ordersTopic: string;
  readonly historyTopic: string;
  readonly group: string;
  readonly partitionCount: number;
  readonly orderCount: number;
  /** Orders a second under which a broker is killed. */
  readonly loadPerSecond: number;
  /** Where step 7 writes its own trees. */
  readonly treeFolder: string;
  readonly history: History;
}

/** Everything that the steps share. */
export interface TourContext {
  readonly client: TourClient;
  readonly cluster: TourCluster;
  readonly plan: TourPlan;
  readonly report: TourReport;
  readonly generator: OrderGenerator;
  readonly acks: AckLedger;
  readonly deliveries: DeliveryLedger;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly signal: AbortSignal;
  /** When the command started, on the clock. */
  readonly startMs: number;
}

const POLL_MS = 20;

/** What to wait for, and how long. */
export interface Wait {
  readonly what: string;
  readonly timeoutMs: number;
  /** How far it came, for the message when it took too long. */
  readonly state?: () => string | Promise<string>;
}

/**
 * Looks again and again until `look` has an answer. Errors: REQUEST_TIMED_OUT with what was waited
 * for.
 */
export async function until<T>(
  context: Pick<TourContext, "clock" | "timers" | "signal">,
  wait: Wait,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const { clock, timers, signal } = context;
  const deadlineMs = clock.monotonicMs() + wait.timeoutMs;
  for (;;) {
    const answer = await look();
    if (answer !== undefined) return answer;
    if (clock.monotonicMs() > deadlineMs) {
      const limit = `${wait.timeoutMs / 1000} s`;
      const state = wait.state === undefined ? "" : `: ${await wait.state()}`;
      throw new CodedError(
        "REQUEST_TIMED_OUT",
        `the tour waited ${limit} for ${wait.what}${state}`,
      );
    }
    await sleep(timers, POLL_MS, signal);
  }
}

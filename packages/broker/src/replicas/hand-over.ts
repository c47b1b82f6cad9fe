import {
  type BrokerId,
  type Clock,
  type ReplicaIdentity,
  replicaNumber,
  sleep,
  type Timers,
} from "@stratalog/base";

/** A group whose leadership may have to move before this broker stops. */
export interface LedGroupHandle {
  readonly replicas: readonly ReplicaIdentity[];
  readonly group: {
    readonly self: number;
    readonly role: string;
    transferLeadership(to: number): void;
  };
}

export interface HandOverOptions {
  /** All groups that run here; asked again in each round. */
  groups(): readonly LedGroupHandle[];
  /** Whether a broker can be reached now. */
  isUp(broker: BrokerId): boolean;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly timeoutMs: number;
}

/** What became of the leaderships of this broker. */
export interface HandOverOutcome {
  readonly stillLed: number;
  /** Those of them that others were asked to take and did not: they are behind, or stuck too. */
  readonly notTaken: number;
}

const ROUND_MS = 50;
/** A transfer that did not happen in this many rounds is asked of the next replica. */
const ROUNDS_PER_TARGET = 10;

/**
 * Asks other replicas to take over what this broker leads, so that producers see a redirect instead
 * of an election. Ends when nobody else is in reach or time is over.
 */
export async function handOverLeaderships(options: HandOverOptions): Promise<HandOverOutcome> {
  const { clock, timers } = options;
  const deadlineMs = clock.monotonicMs() + options.timeoutMs;
  for (let round = 0; ; round++) {
    const led = options.groups().filter(({ group }) => group.role === "leader");
    const movable = led.filter((handle) => targetsOf(handle, options).length > 0);
    if (movable.length === 0 || clock.monotonicMs() >= deadlineMs) {
      return { stillLed: led.length, notTaken: movable.length };
    }
    if (round % ROUNDS_PER_TARGET === 0) transfer(movable, options, round / ROUNDS_PER_TARGET);
    await sleep(timers, ROUND_MS);
  }
}

/** Spreads the groups over the replicas that can take them. */
function transfer(
  groups: readonly LedGroupHandle[],
  options: HandOverOptions,
  attempt: number,
): void {
  for (const [index, handle] of groups.entries()) {
    const targets = targetsOf(handle, options);
    const target = targets[(index + attempt) % targets.length];
    if (target !== undefined) handle.group.transferLeadership(target);
  }
}

function targetsOf({ replicas, group }: LedGroupHandle, options: HandOverOptions): number[] {
  return replicas
    .filter((replica) => replicaNumber(replica) !== group.self && options.isUp(replica.brokerId))
    .map(replicaNumber);
}

import {
  brokerId,
  type BrokerId,
  type Clock,
  type ClusterId,
  CodedError,
  decodeJson,
  encodeJson,
  type Logger,
  type Shaped,
  shape,
  type Timer,
  type Timers,
} from "@stratalog/base";
import type { ControllerCommand } from "@stratalog/metadata";
import { asControllerError } from "./controller-server.ts";
import type { ControllerReplica } from "./metadata-machine.ts";
import type { Calls } from "./peer-calls.ts";

/** Peer call by which a broker shows the controller that it lives. */
export const CONTROLLER_HEARTBEAT = "controller.heartbeat";

export const heartbeatShape = shape.object({
  brokerId: shape.converted(shape.integer(), brokerId, "a broker id"),
  brokerEpoch: shape.integer(0),
  /** It stops gracefully: fenced at once, so that clients are not sent to it any more. */
  isStopping: shape.flag,
});
export type Heartbeat = Shaped<typeof heartbeatShape>;

/** stale: register again. */
export const heartbeatAnswerShape = shape.object({ status: shape.oneOf(["ok", "stale"]) });

const SCAN_MS = 500;
/** A scan that comes this much too late says that the controller stood still and heard nobody. */
const STALL_MS = 2_000;

export interface BrokerSessionsOptions {
  readonly replica: ControllerReplica;
  readonly clusterId: ClusterId;
  readonly voters: readonly BrokerId[];
  readonly calls: Calls;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  /** Silence after which a broker is fenced. */
  readonly sessionTimeoutMs: number;
}

/**
 * The controller's watch over brokers. When they were last heard of is known to the leader alone
 * and to nobody after it: a new controller gives everyone a whole session. Fencing is a record; it
 * moves no leadership, which is Raft's business.
 */
export class BrokerSessions {
  readonly #options: BrokerSessionsOptions;
  readonly #lastHeardMs = new Map<BrokerId, number>();
  #scanTimer: Timer | undefined;
  #lastScanMs = 0;
  #isLeading = false;

  constructor(options: BrokerSessionsOptions) {
    this.#options = options;
    const { replica, calls } = options;
    calls.handle(CONTROLLER_HEARTBEAT, (_from, body) => this.#takeHeartbeat(body));
    replica.onRoleChange(({ role }) => this.#becomeLeading(role === "leader"));
  }

  stop(): void {
    this.#becomeLeading(false);
  }

  #becomeLeading(isLeading: boolean): void {
    if (isLeading === this.#isLeading) return;
    this.#isLeading = isLeading;
    this.#lastHeardMs.clear();
    this.#scanTimer?.cancel();
    this.#lastScanMs = this.#options.clock.monotonicMs();
    if (isLeading) this.#scheduleScan(0);
  }

  #scheduleScan(delayMs: number): void {
    this.#scanTimer = this.#options.timers.after(delayMs, () => {
      if (!this.#isLeading) return;
      this.#scan();
      this.#scheduleScan(SCAN_MS);
    });
  }

  #scan(): void {
    const { replica, clock, sessionTimeoutMs, clusterId, voters, logger } = this.#options;
    if (replica.state.clusterId === undefined) {
      this.#submit({ type: "form-cluster", clusterId, voters });
    }
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lastScanMs > SCAN_MS + STALL_MS) this.#lastHeardMs.clear();
    this.#lastScanMs = nowMs;
    for (const { brokerId: id, brokerEpoch, isFenced } of replica.state.brokers.values()) {
      if (isFenced) continue;
      const lastHeardMs = this.#lastHeardMs.get(id);
      if (lastHeardMs === undefined) this.#lastHeardMs.set(id, nowMs);
      else if (nowMs - lastHeardMs > sessionTimeoutMs) {
        logger.warn({ broker: id, silentMs: Math.round(nowMs - lastHeardMs) }, "broker is fenced");
        this.#submit({ type: "fence-broker", brokerId: id, brokerEpoch });
      }
    }
  }

  async #takeHeartbeat(body: Uint8Array): Promise<Uint8Array> {
    const decoded = decodeJson(body, heartbeatShape);
    if (!decoded.ok) {
      throw new CodedError("INVALID_REQUEST", `${CONTROLLER_HEARTBEAT}: ${decoded.reason}`);
    }
    return encodeJson({ status: await this.heartbeat(decoded.value) });
  }

  /** A sign of life. Rejects with NOT_CONTROLLER. */
  async heartbeat(heartbeat: Heartbeat): Promise<"ok" | "stale"> {
    const { replica, clock } = this.#options;
    const { isStopping, brokerId: id, brokerEpoch } = heartbeat;
    if (!replica.isLeader) throw asControllerError(new CodedError("NOT_LEADER", ""), replica);
    const registration = replica.state.brokers.get(id);
    if (registration?.brokerEpoch !== brokerEpoch) return "stale";
    this.#lastHeardMs.set(id, clock.monotonicMs());
    if (registration.isFenced !== isStopping) {
      const type = isStopping ? "fence-broker" : "unfence-broker";
      try {
        await replica.submit({ type, brokerId: id, brokerEpoch });
      } catch (error) {
        throw asControllerError(error, replica);
      }
    }
    return "ok";
  }

  /** A command of the controller's own; the next scan tries again. */
  #submit(command: ControllerCommand): void {
    this.#options.replica.submit(command).catch((error: unknown) => {
      this.#options.logger.debug({ command: command.type, error }, "the controller's own command");
    });
  }
}

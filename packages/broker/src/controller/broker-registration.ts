import {
  brokerId,
  type BrokerId,
  CodedError,
  decodeJson,
  deferred,
  encodeJson,
  type ErrorCode,
  type Logger,
  present,
  sleep,
  type Timers,
} from "@stratalog/base";
import type { ControllerCommand } from "@stratalog/metadata";
import { CONTROLLER_HEARTBEAT, type Heartbeat, heartbeatAnswerShape } from "./broker-sessions.ts";
import type { ControllerClient } from "./controller-client.ts";
import type { ClusterView } from "./metadata-view.ts";
import type { Calls } from "./peer-calls.ts";

/** What a broker says of itself to the controller. */
export type RegistrationFields = Omit<
  Extract<ControllerCommand, { readonly type: "register-broker" }>,
  "type"
>;

export interface BrokerRegistrationOptions {
  readonly client: ControllerClient;
  readonly view: ClusterView;
  readonly voters: readonly BrokerId[];
  readonly calls: Calls;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly heartbeatIntervalMs: number;
}

const REGISTER_TIMEOUT_MS = 5_000;
const RETRY_MS = 250;
const STOP_TIMEOUT_MS = 1_000;
/** No later try can pass. */
const FINAL: ReadonlySet<ErrorCode> = new Set([
  "INVALID_CONFIG",
  "CLUSTER_ID_MISMATCH",
  "INVALID_REQUEST",
  "UNSUPPORTED_VERSION",
]);

/** Registers this broker and keeps its session with whichever broker is the controller. */
export class BrokerRegistrar {
  readonly #options: BrokerRegistrationOptions;
  #fields: RegistrationFields | undefined;
  #brokerEpoch = 0;
  #controller: BrokerId;
  #isRunning = false;
  /** Ends the wait for this broker's own view. */
  #cancelWait: (() => void) | undefined;

  constructor(options: BrokerRegistrationOptions) {
    this.#options = options;
    this.#controller = present(options.voters[0], "a controller voter");
  }

  /**
   * Resolves once this broker is registered and its own view says so; tries for as long as it
   * takes. Rejects when the controller refuses for good: another directory or cluster. Heartbeats
   * go on from then.
   */
  async register(fields: RegistrationFields): Promise<void> {
    this.#fields = fields;
    this.#isRunning = true;
    await this.#registerUntilKnown(fields);
    // Runs until `stop`; it handles its own failures.
    void this.#beat();
  }

  /** Says that this broker stops: clients are sent elsewhere. Best effort and bounded. */
  async announceStop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    try {
      await this.#heartbeat({ isStopping: true, timeoutMs: STOP_TIMEOUT_MS });
    } catch (error) {
      this.#options.logger.debug({ error }, "the controller was not told of the stop");
    }
  }

  stop(): void {
    this.#isRunning = false;
    this.#cancelWait?.();
  }

  async #registerUntilKnown(fields: RegistrationFields): Promise<void> {
    const { client, timers, logger } = this.#options;
    while (this.#isRunning) {
      try {
        const command = { type: "register-broker", ...fields } as const;
        const { brokerEpoch } = await client.submit(command, { timeoutMs: REGISTER_TIMEOUT_MS });
        this.#brokerEpoch = brokerEpoch;
        await this.#known(fields.brokerId, brokerEpoch);
        return;
      } catch (error) {
        const failure = CodedError.from(error);
        if (FINAL.has(failure.code)) throw failure;
        logger.debug({ error: failure }, "not registered yet");
      }
      await sleep(timers, RETRY_MS);
    }
    throw stopping();
  }

  /**
   * Waits until this broker's own view has the registration: it has caught up with the metadata.
   */
  #known(id: BrokerId, brokerEpoch: number): Promise<void> {
    const { view } = this.#options;
    const isKnown = (): boolean => {
      const registration = view.image.brokers.get(id);
      return registration !== undefined && registration.brokerEpoch >= brokerEpoch;
    };
    if (isKnown()) return Promise.resolve();
    // An answer that comes after `stop`: nobody would end the wait, and the view stands still.
    if (!this.#isRunning) return Promise.reject(stopping());
    const known = deferred<void>();
    const stopWatching = view.onChange(() => {
      if (isKnown()) known.resolve();
    });
    this.#cancelWait = () => known.reject(stopping());
    return known.promise.finally(() => {
      stopWatching();
      this.#cancelWait = undefined;
    });
  }

  async #beat(): Promise<void> {
    const { timers, heartbeatIntervalMs, logger } = this.#options;
    while (this.#isRunning) {
      let pauseMs = heartbeatIntervalMs;
      try {
        const status = await this.#heartbeat({ isStopping: false, timeoutMs: heartbeatIntervalMs });
        if (status === "stale" && this.#isRunning) {
          await this.#registerUntilKnown(present(this.#fields, "registration"));
          pauseMs = 0;
        }
      } catch (error) {
        logger.debug({ error }, "no heartbeat");
        pauseMs = Math.min(RETRY_MS, heartbeatIntervalMs);
      }
      if (this.#isRunning) await sleep(timers, pauseMs);
    }
  }

  async #heartbeat(options: {
    readonly isStopping: boolean;
    readonly timeoutMs: number;
  }): Promise<"ok" | "stale"> {
    const { calls, voters } = this.#options;
    const { isStopping, timeoutMs } = options;
    const { brokerId: id } = present(this.#fields, "registration");
    const heartbeat: Heartbeat = { brokerId: id, brokerEpoch: this.#brokerEpoch, isStopping };
    const body = encodeJson(heartbeat);
    // Every voter may be the one to ask: a hint or the next in turn leads to it.
    for (let attempt = 0; ; attempt++) {
      try {
        const answer = await calls.call(this.#controller, CONTROLLER_HEARTBEAT, body, {
          timeoutMs,
        });
        const decoded = decodeJson(answer, heartbeatAnswerShape);
        if (!decoded.ok) throw new CodedError("UNSUPPORTED_VERSION", decoded.reason);
        return decoded.value.status;
      } catch (error) {
        const failure = CodedError.from(error);
        this.#controller = nextController(this.#controller, voters, failure);
        // A stop does not wait for one voter after the other.
        const isTooLate = isStopping && failure.code === "REQUEST_TIMED_OUT";
        if (isTooLate || attempt >= voters.length) throw failure;
      }
    }
  }
}

function stopping(): CodedError {
  return new CodedError("CLOSED", "the broker stops before it is registered");
}

function nextController(
  current: BrokerId,
  voters: readonly BrokerId[],
  error: CodedError,
): BrokerId {
  const hint = error.details["leaderId"];
  if (typeof hint === "number" && hint !== current) return brokerId(hint);
  return present(voters[(voters.indexOf(current) + 1) % voters.length], "a controller voter");
}

import {
  brokerId,
  type BrokerId,
  type Clock,
  CodedError,
  decodeJson,
  encodeJson,
  type ErrorCode,
  present,
  sleep,
  type Timers,
} from "@stratalog/base";
import {
  CONTROLLER_RESPONSE_SHAPES,
  type ControllerCommand,
  type ControllerResponse,
  type ResponseOf,
} from "@stratalog/metadata";
import { asControllerError, CONTROLLER_SUBMIT } from "./controller-server.ts";
import type { ControllerReplica } from "./metadata-machine.ts";
import type { Calls } from "./peer-calls.ts";
import { withTimeout } from "./with-timeout.ts";

/** The door to the controller from any broker. */
export interface ControllerClient {
  submit<C extends ControllerCommand>(
    command: C,
    options: { readonly timeoutMs: number },
  ): Promise<ResponseOf<C>>;
}

/** One try; a controller that is cut off answers nobody, and another may have taken over. */
const ATTEMPT_MS = 3_000;
const BACKOFF_MS = { first: 20, max: 500 };

/** Nothing was done, and the same command may pass a little later or elsewhere. */
const RETRIED: ReadonlySet<ErrorCode> = new Set([
  "NOT_CONTROLLER",
  "BROKER_NOT_AVAILABLE",
  "THROTTLED",
  "CLUSTER_NOT_FORMED",
]);
/** Something may have been done. */
const UNKNOWN: ReadonlySet<ErrorCode> = new Set(["REQUEST_TIMED_OUT", "OUTCOME_UNKNOWN"]);
/**
 * Commands that would be refused, or done twice, when they are tried again after they were done.
 */
const NOT_REPEATABLE: ReadonlySet<ControllerCommand["type"]> = new Set([
  "delete-topic",
  "add-partitions",
]);

export interface ControllerClientOptions {
  readonly self: BrokerId;
  readonly voters: readonly BrokerId[];
  /** This broker's own replica, when it votes. */
  readonly replica: ControllerReplica | undefined;
  readonly calls: Calls;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Finds the controller, tries again while nothing was done, and says so when that is not known. */
export class RoamingControllerClient implements ControllerClient {
  readonly #options: ControllerClientOptions;
  #target: BrokerId;

  constructor(options: ControllerClientOptions) {
    this.#options = options;
    this.#target =
      options.replica === undefined ? present(options.voters[0], "a voter") : options.self;
  }

  /**
   * Rejects as the command is refused; CONTROLLER_NOT_AVAILABLE or OUTCOME_UNKNOWN when time is up.
   */
  async submit<C extends ControllerCommand>(
    command: C,
    options: { readonly timeoutMs: number },
  ): Promise<ResponseOf<C>> {
    const { clock, timers } = this.#options;
    const deadlineMs = clock.monotonicMs() + options.timeoutMs;
    let backoffMs = BACKOFF_MS.first;
    for (;;) {
      const leftMs = deadlineMs - clock.monotonicMs();
      try {
        const response = await this.#attempt(command, Math.max(1, Math.min(leftMs, ATTEMPT_MS)));
        // The shape of the answer was checked under the command's own type.
        return response as ResponseOf<C>;
      } catch (error) {
        const failure = CodedError.from(error);
        this.#aimElsewhere(failure);
        const canRepeat = RETRIED.has(failure.code) || this.#isRepeatable(command, failure);
        if (!canRepeat) throw failure;
        if (clock.monotonicMs() + backoffMs >= deadlineMs) {
          throw unavailable(failure, options.timeoutMs);
        }
      }
      await sleep(timers, backoffMs);
      backoffMs = Math.min(2 * backoffMs, BACKOFF_MS.max);
    }
  }

  async #attempt(command: ControllerCommand, timeoutMs: number): Promise<ControllerResponse> {
    const { self, replica, calls, timers } = this.#options;
    if (this.#target === self && replica !== undefined) {
      try {
        const what = `the controller's ${command.type}`;
        return await withTimeout(timers, replica.submit(command), { timeoutMs, what });
      } catch (error) {
        throw asControllerError(error, replica);
      }
    }
    const body = encodeJson(command);
    const answer = await calls.call(this.#target, CONTROLLER_SUBMIT, body, { timeoutMs });
    const decoded = decodeJson<ControllerResponse>(
      answer,
      CONTROLLER_RESPONSE_SHAPES[command.type],
    );
    if (decoded.ok) return decoded.value;
    throw new CodedError("UNSUPPORTED_VERSION", `${CONTROLLER_SUBMIT}: ${decoded.reason}`);
  }

  #isRepeatable(command: ControllerCommand, failure: CodedError): boolean {
    return UNKNOWN.has(failure.code) && !NOT_REPEATABLE.has(command.type);
  }

  /** Goes where the error points, or to the next voter. */
  #aimElsewhere(failure: CodedError): void {
    const { voters } = this.#options;
    const hint = failure.details["leaderId"];
    const hinted = typeof hint === "number" ? brokerId(hint) : undefined;
    if (failure.code === "NOT_CONTROLLER" && hinted !== undefined && hinted !== this.#target) {
      this.#target = hinted;
      return;
    }
    if (!RETRIED.has(failure.code) && !UNKNOWN.has(failure.code)) return;
    const position = voters.indexOf(this.#target);
    this.#target = present(voters[(position + 1) % voters.length], "a voter");
  }
}

function unavailable(failure: CodedError, timeoutMs: number): CodedError {
  if (UNKNOWN.has(failure.code) || failure.code === "CLUSTER_NOT_FORMED") return failure;
  const message = `no controller answered within ${timeoutMs} ms; last: ${failure.message}`;
  return new CodedError("CONTROLLER_NOT_AVAILABLE", message, { cause: failure });
}

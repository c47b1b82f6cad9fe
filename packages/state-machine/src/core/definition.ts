import type { ErrorCode, ErrorDetails, JsonDecoding, Random } from "@stratalog/base";

/**
 * What a handler may use besides the state: time and chance come in, so that replay needs neither.
 */
export interface HandlerContext {
  /** The leader's wall clock, milliseconds since 1970. */
  readonly nowMs: number;
  readonly random: Random;
}

/** What a handler decided. A refused command makes no records. */
export type Decision<Record, Response> =
  | { readonly ok: true; readonly records: readonly Record[]; readonly response: Response }
  | {
      readonly ok: false;
      readonly code: ErrorCode;
      readonly message: string;
      readonly details?: ErrorDetails;
    };

/**
 * A state machine to replicate. States are immutable values: `handle` changes nothing, `replay`
 * answers a new state. `replay` is deterministic: the same records make the same state on every
 * replica and after every restart.
 */
export interface StateMachineDefinition<State, Command, Record, Response> {
  /** Short name for logs and errors. */
  readonly name: string;
  initialState(): State;
  handle(state: State, command: Command, context: HandlerContext): Decision<Record, Response>;
  replay(state: State, record: Record): State;
  /** A record as a JSON value that names its version. */
  recordToJson(record: Record): unknown;
  /** Throws a ShapeError for anything that is not a record. */
  recordFromJson(value: unknown): Record;
  encodeSnapshot(state: State): Uint8Array;
  decodeSnapshot(bytes: Uint8Array): JsonDecoding<State>;
}

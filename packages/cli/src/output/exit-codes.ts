import type { ErrorCode } from "@stratalog/base";

/** Exit codes of every command. */
export const EXIT = {
  ok: 0,
  /** The command ran and failed; standard error has one line with a code. */
  error: 1,
  /** The command line was wrong; nothing was done. */
  usage: 2,
  /** What was named does not exist. */
  notFound: 3,
  /** No broker answered, or not in time. */
  unreachable: 4,
  /** What was to be made exists, or is in use. */
  conflict: 6,
  /** The command ran; what it looked at is not as it should be. */
  unhealthy: 10,
  /** Ctrl-C before the command was done. */
  interrupted: 130,
} as const;

const OF_CODE: Partial<Record<ErrorCode, number>> = {
  UNKNOWN_TOPIC_OR_PARTITION: EXIT.notFound,
  GROUP_NOT_FOUND: EXIT.notFound,
  BROKER_NOT_AVAILABLE: EXIT.unreachable,
  REQUEST_TIMED_OUT: EXIT.unreachable,
  CLUSTER_NOT_FORMED: EXIT.unreachable,
  CONTROLLER_NOT_AVAILABLE: EXIT.unreachable,
  TOPIC_ALREADY_EXISTS: EXIT.conflict,
  GROUP_NOT_EMPTY: EXIT.conflict,
  WRONG_EXPECTED_OFFSET: EXIT.conflict,
  ADDRESS_IN_USE: EXIT.conflict,
  DIRECTORY_IN_USE: EXIT.conflict,
};

/** The exit code that an error's code stands for. */
export function exitCodeOf(code: ErrorCode): number {
  return OF_CODE[code] ?? EXIT.error;
}

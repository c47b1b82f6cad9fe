import { CodedError, type ErrorCode } from "@stratalog/base";

/** What a user can do about an error, where the message alone does not say it. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: "`strata topic list` shows the topics",
  GROUP_NOT_FOUND: "`strata group list` shows the groups",
  BROKER_NOT_AVAILABLE: "`strata dev` starts one; --brokers names another",
  REQUEST_TIMED_OUT: "`strata cluster status` shows which brokers answer",
  TOPIC_ALREADY_EXISTS: "`strata topic describe` shows it",
  INVALID_CONFIG: "`strata broker --settings` and `strata topic create --help` list the names",
};

/**
 * An error as one line for people: code, what happened, what to do. A bug brings its stack along.
 */
export function errorLine(error: unknown): string {
  const coded = CodedError.from(error);
  if (coded.code === "INTERNAL") {
    const origin = coded.cause ?? coded;
    const stack = origin instanceof Error ? (origin.stack ?? origin.message) : coded.message;
    return `strata: INTERNAL: ${stack}`;
  }
  const advice = ADVICE[coded.code];
  return `strata: ${coded.code}: ${coded.message}${advice === undefined ? "" : ` (${advice})`}`;
}

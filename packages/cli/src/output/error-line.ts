import { CodedError, type ErrorCode } from "@stratalog/base";

/** What a user can do about an error, where the message alone does not say it. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: "`strata topic list` shows the topics",
  GROUP_NOT_FOUND: "`strata group list` shows the groups",
  BROKER_NOT_AVAILABLE: "`strata dev` starts one; --brokers names another",
  REQUEST_TIMED_OUT: "`strata cluster status` shows which brokers answer",
  TOPIC_ALREADY_EXISTS: "`strata topic describe` shows it",
  MESSAGE_TOO_LARGE: "`strata topic alter --set max.message.bytes=...` lets a topic take more",
};

/** The same where it depends on the message: who reads it wants to know where to look. */
const ADVICE_BY_MESSAGE: readonly (readonly [ErrorCode, RegExp, string])[] = [
  ["INVALID_CONFIG", /configuration key|; it must be/, "`strata broker --settings` lists them all"],
  ["DIRECTORY_UNUSABLE", /cannot be used/, "choose one that this user may create and write to"],
];

/** What the library for calls says of a connection that did not come about, in its own words. */
const LIBRARY_WORDS =
  /No connection established\. Last error: ([^]*?)(?: \(\d{4}-[^)]*\))?\.? Resolution note: /g;

/** The same in ours. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/wrong version number/i, "it does not speak TLS"],
  [
    /certificate|self.signed|unable to verify|altname/i,
    "its certificate is not trusted: --tls-ca names whom to trust",
  ],
  [/Failed to connect/, "it hangs up: no port for clients, or one with TLS (--tls)"],
];

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
  const message = coded.message.replace(LIBRARY_WORDS, (_words, reason: string) => plain(reason));
  const advice = adviceFor(coded.code, message);
  return `strata: ${coded.code}: ${message}${advice === undefined ? "" : ` (${advice})`}`;
}

function adviceFor(code: ErrorCode, message: string): string | undefined {
  const found = ADVICE_BY_MESSAGE.find(([of, pattern]) => of === code && pattern.test(message));
  const advice = found?.[2] ?? ADVICE[code];
  const command = advice?.split("`")[1];
  // Some messages say so themselves.
  return command !== undefined && message.includes(command) ? undefined : advice;
}

function plain(reason: string): string {
  return REASONS.find(([pattern]) => pattern.test(reason))?.[1] ?? reason.trim();
}

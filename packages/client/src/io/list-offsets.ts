import { CodedError } from "@stratalog/base";
import { fromWireError, type OffsetAnswer } from "@stratalog/protocol";
import { backoffMs, LEADER_BACKOFF } from "../core/backoff.ts";
import type { Connection } from "../ports/transport.ts";
import type { Cluster } from "./cluster.ts";

/** Which offset of a partition is asked for. */
export type OffsetSpec = "earliest" | "latest" | { readonly timestampMs: number };

/** One question. */
export interface OffsetQuestion {
  readonly topic: string;
  readonly partition: number;
  readonly at: OffsetSpec;
}

/** One answer; `timestampMs` is the found record's, for questions by time. */
export interface FoundOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number | undefined;
}

const QUESTIONS_PER_REQUEST = 1_000;

/**
 * Asks the leaders, each about its own partitions, and again where a leader moved, for at most the
 * client's request timeout. Answers in the order of the questions.
 */
export async function listOffsets(
  cluster: Cluster,
  questions: readonly OffsetQuestion[],
  signal?: AbortSignal,
): Promise<readonly FoundOffset[]> {
  const { clock, random } = cluster.environment;
  const deadlineMs = clock.monotonicMs() + cluster.options.requestTimeoutMs;
  const found: FoundOffset[] = [];
  let open = questions.map((question, index) => ({ question, index }));
  for (let attempt = 1; open.length > 0; attempt++) {
    const groups = new Map<Connection, Indexed[]>();
    for (const each of open) {
      const { topic, partition } = each.question;
      const leader = await cluster.leader(topic, partition, { deadlineMs, signal });
      groups.set(leader, [...(groups.get(leader) ?? []), each]);
    }
    const failures: Failure[] = [];
    await Promise.all(
      [...groups].map(async ([connection, group]) => {
        for (let from = 0; from < group.length; from += QUESTIONS_PER_REQUEST) {
          const some = group.slice(from, from + QUESTIONS_PER_REQUEST);
          const restMs = Math.max(1, deadlineMs - clock.monotonicMs());
          const limits = { timeoutMs: restMs, signal };
          failures.push(...(await ask(connection, some, { limits, found })));
        }
      }),
    );
    open = failures.map(({ asked }) => asked);
    const first = failures[0];
    if (first === undefined) break;
    const fatal = failures.find(({ error }) => !error.retriable);
    if (fatal !== undefined) throw fatal.error;
    const waitMs = backoffMs(LEADER_BACKOFF, attempt, random);
    if (clock.monotonicMs() + waitMs >= deadlineMs) throw first.error;
    for (const { asked, error } of failures) forgetLeader(cluster, asked.question, error);
    await cluster.scope.sleep(waitMs, signal);
    await cluster.refresh([...new Set(open.map(({ question }) => question.topic))], signal);
  }
  return found;
}

interface Indexed {
  readonly question: OffsetQuestion;
  readonly index: number;
}

interface Failure {
  readonly asked: Indexed;
  readonly error: CodedError;
}

async function ask(
  connection: Connection,
  group: readonly Indexed[],
  into: {
    readonly limits: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined };
    readonly found: FoundOffset[];
  },
): Promise<readonly Failure[]> {
  const queries = group.map(({ question: { topic, partition, at } }) => {
    if (at === "earliest") return { topic, partition, earliest: {} };
    if (at === "latest") return { topic, partition, latest: {} };
    return { topic, partition, timestampMs: at.timestampMs };
  });
  let answers: readonly OffsetAnswer[];
  try {
    const response = await connection.call("FetchService", "listOffsets", { queries }, into.limits);
    answers = response.answers;
  } catch (thrown) {
    const error = CodedError.from(thrown);
    return group.map((asked) => ({ asked, error }));
  }
  const failures: Failure[] = [];
  for (const [at, asked] of group.entries()) {
    const answer = answers[at];
    const { topic, partition } = asked.question;
    if (answer === undefined || (answer.error === null && !(answer.offset >= 0))) {
      const error = new CodedError("INTERNAL", `${connection.address} left a question open`);
      failures.push({ asked, error });
    } else if (answer.error !== null) {
      failures.push({ asked, error: fromWireError(answer.error) });
    } else {
      const { offset, timestampMs } = answer;
      into.found[asked.index] = { topic, partition, offset, timestampMs };
    }
  }
  return failures;
}

function forgetLeader(cluster: Cluster, question: OffsetQuestion, error: CodedError): void {
  const { topic, partition } = question;
  if (cluster.cache.applyHint(topic, partition, error.details)) return;
  const leader = cluster.cache.leader(topic, partition);
  if (leader !== undefined) cluster.cache.forgetLeader(topic, partition, leader.brokerId);
}

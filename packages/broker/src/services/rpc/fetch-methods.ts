import type { OffsetTarget } from "@stratalog/partition";
import {
  checkCount,
  type ConsumeResponse,
  epochFromWire,
  type FetchRequest,
  type Input,
  invalidRequest,
  numberFromWire,
  type OffsetAnswer as WireAnswer,
  type OffsetQuery as WireQuery,
  offsetFromWire,
  recordToWire,
  toWireError,
  type Services,
} from "@stratalog/protocol";
import type { CallContext } from "../call-context.ts";
import type { FetchService, RecordsFetch } from "../fetch-service.ts";
import type { OffsetAnswer, OffsetsService } from "../offsets-service.ts";
import type { PartitionFinder } from "../partition-finder.ts";
import type { ServiceMetrics } from "../service-metrics.ts";
import { ConsumeCall } from "./consume-call.ts";
import {
  localized,
  type MethodEnvironment,
  type OpenStream,
  type ServiceMethods,
  stream,
  unary,
} from "./method.ts";

const BYTES_MAX = 8 * 1024 * 1024;
const MAX_RECORDS = { name: "max_records", absent: 500, min: 1, max: 10_000 };
const MAX_BYTES = { name: "max_bytes", absent: 1024 * 1024, min: 1, max: BYTES_MAX };
const MIN_BYTES = { name: "min_bytes", absent: 1, min: 1, max: BYTES_MAX };
const MAX_WAIT_MS = { name: "max_wait_ms", absent: 0, min: 0, max: 300_000 };
const QUERIES = { name: "queries", min: 1, max: 1_000 };
/** The answer must be under way before the client's deadline. */
const DEADLINE_MARGIN_MS = 50;

/** Serves stratalog.v1.FetchService. */
export function fetchMethods(
  environment: MethodEnvironment,
  services: {
    readonly fetch: FetchService;
    readonly offsets: OffsetsService;
    readonly finder: PartitionFinder;
    readonly metrics: ServiceMetrics;
  },
): ServiceMethods<Services["FetchService"]> {
  return {
    consume: stream(
      (open: OpenStream<ConsumeResponse>) => new ConsumeCall(environment, open, services),
    ),
    fetch: unary(async (request, context) => {
      const fetched = await services.fetch.fetchRecords(recordsFetch(request, context));
      return { ...fetched, records: fetched.records.map(recordToWire) };
    }),
    listOffsets: unary(async ({ queries }) => {
      checkCount(queries, QUERIES);
      const questions = queries.map(({ topic, partition, ...query }) => {
        return { topic, partition, at: targetOf(query) };
      });
      const answers = await services.offsets.list(questions);
      return {
        answers: answers.map((answer, index) => {
          const { topic = "", partition = 0 } = queries[index] ?? {};
          return { topic, partition, ...answerOf(environment, answer) };
        }),
      };
    }),
  };
}

function recordsFetch(request: FetchRequest, context: CallContext): RecordsFetch {
  const { topic, partition } = request;
  const leaderEpoch = epochFromWire(request.leaderEpoch, "leader_epoch");
  const leftMs = Math.max(0, context.timeoutMs - DEADLINE_MARGIN_MS);
  return {
    topic,
    partition,
    offset: offsetFromWire(request.offset, "offset"),
    maxRecords: numberFromWire(request.maxRecords, MAX_RECORDS),
    maxBytes: numberFromWire(request.maxBytes, MAX_BYTES),
    minBytes: numberFromWire(request.minBytes, MIN_BYTES),
    maxWaitMs: Math.min(numberFromWire(request.maxWaitMs, MAX_WAIT_MS), leftMs),
    ...(leaderEpoch === undefined ? {} : { leaderEpoch }),
    signal: context.signal,
  };
}

function targetOf(query: Omit<WireQuery, "topic" | "partition">): OffsetTarget {
  if (query.earliest !== undefined) return "earliest";
  if (query.latest !== undefined) return "latest";
  const { timestampMs } = query;
  if (timestampMs === undefined) throw invalidRequest("a query needs earliest, latest or a time");
  if (Number.isSafeInteger(timestampMs) && timestampMs >= 0) return { timestampMs };
  throw invalidRequest(`timestamp_ms is ${timestampMs}; it may be 0 to 2^53 - 1`);
}

function answerOf(environment: MethodEnvironment, answer: OffsetAnswer): Input<WireAnswer> {
  if (answer.ok) return answer.listed;
  return { offset: -1, error: toWireError(localized(environment, answer.error)) };
}

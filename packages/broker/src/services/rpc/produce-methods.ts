import {
  type AppendResult,
  acksFromWire,
  type BatchAppend,
  checkCount,
  epochFromWire,
  type Input,
  numberFromWire,
  offsetFromWire,
  type ProduceRequest,
  type ProduceStreamResponse,
  recordFromWire,
  safeInteger,
  toWireError,
  type Services,
} from "@stratalog/protocol";
import type { AppendOptions, ProduceService } from "../produce-service.ts";
import { type AppendOutcome, ProduceSession } from "../produce-session.ts";
import {
  localized,
  type MethodEnvironment,
  type OpenStream,
  type ServiceMethods,
  stream,
  unary,
} from "./method.ts";

const TIMEOUT_MS = { name: "timeout_ms", absent: 30_000, min: 1, max: 300_000 };
const SMALL_MESSAGE_BYTES = 16 * 1024;
const APPENDS = { name: "appends", min: 1, max: 1_024 };
const RECORDS = { name: "records", min: 1, max: 10_000 };

/** Serves stratalog.v1.ProduceService. */
export function produceMethods(
  environment: MethodEnvironment,
  service: ProduceService,
): ServiceMethods<Services["ProduceService"]> {
  return {
    produceStream: stream((open: OpenStream<ProduceStreamResponse>) => {
      const { timers } = environment;
      const session = new ProduceSession({
        service,
        timers,
        stream: {
          get isWritable() {
            return open.isWritable;
          },
          send: (outcomes) => {
            open.write({ results: outcomes.map((one) => resultOf(environment, one)) });
          },
          setReading: (isReading) => open.setReading(isReading),
          end: () => open.end(),
        },
      });
      return {
        onMessage: ({ appends }) => {
          checkCount(appends, APPENDS);
          for (const append of appends) pushInto(session, append);
        },
        onWritable: () => session.onWritable(),
        onEnd: () => session.end(),
        onClose: () => session.close(),
      };
    }),
    produce: unary(async (request, context) => {
      checkCount(request.records, RECORDS);
      const options = appendOptions(request);
      const nowMs = environment.clock.wallMs();
      const records = request.records.map((record) => recordFromWire(record, nowMs));
      const timeoutMs = Math.min(options.timeoutMs, context.timeoutMs);
      const { partition, topic } = request;
      const place = { ...options, timeoutMs, topic, partition };
      const result = await service.appendRecords({ ...place, records });
      return { ...result, recordCount: records.length };
    }),
  };
}

/** One bad append is answered by itself; the others go on. */
function pushInto(session: ProduceSession, append: BatchAppend): void {
  const correlation = safeInteger(append.correlation, "correlation");
  try {
    const { topic, partition, topicId } = append;
    const options = appendOptions(append);
    const batch = ownBytes(append.batch);
    session.push({ ...options, topic, partition, topicId, batch, correlation });
  } catch (error) {
    session.refuse(correlation, error);
  }
}

/**
 * A batch is a view of the message that it came in, and is kept long after it. One that is much
 * smaller than its message is copied: else a few bytes would keep megabytes alive that no budget
 * counts.
 */
function ownBytes(batch: Uint8Array): Uint8Array {
  const messageBytes = batch.buffer.byteLength;
  const isWorthItsMessage = messageBytes <= SMALL_MESSAGE_BYTES || batch.length * 2 >= messageBytes;
  return isWorthItsMessage ? batch : Buffer.from(batch);
}

function appendOptions(
  wire: Pick<ProduceRequest, "acks" | "timeoutMs" | "expectedOffset"> & { leaderEpoch?: number },
): Omit<AppendOptions, "topic" | "partition"> {
  const { expectedOffset } = wire;
  const leaderEpoch = epochFromWire(wire.leaderEpoch, "leader_epoch");
  return {
    acks: acksFromWire(wire.acks),
    timeoutMs: numberFromWire(wire.timeoutMs, TIMEOUT_MS),
    ...(expectedOffset === undefined
      ? {}
      : { expectedOffset: offsetFromWire(expectedOffset, "expected_offset") }),
    ...(leaderEpoch === undefined ? {} : { leaderEpoch }),
  };
}

function resultOf(environment: MethodEnvironment, outcome: AppendOutcome): Input<AppendResult> {
  const { correlation } = outcome;
  if ("result" in outcome) return { correlation, ...outcome.result };
  return { correlation, baseOffset: -1, error: toWireError(localized(environment, outcome.error)) };
}

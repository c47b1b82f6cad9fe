import { CodedError } from "@stratalog/base";
import {
  type ConsumeOpen,
  type ConsumePush as WirePush,
  type ConsumeRequest,
  type ConsumeResponse,
  type ConsumeSubscribe,
  checkCount,
  epochFromWire,
  type Input,
  invalidRequest,
  numberFromWire,
  offsetFromWire,
  toWireError,
} from "@stratalog/protocol";
import { type ConsumeSessionLimits, ConsumeSession } from "../consume-session.ts";
import type { PartitionFinder } from "../partition-finder.ts";
import type { ServiceMetrics } from "../service-metrics.ts";
import type { ConsumePush } from "../subscription.ts";
import {
  localized,
  type MethodEnvironment,
  type OpenStream,
  type StreamHandler,
} from "./method.ts";

/** What a subscription costs the broker, roughly. */
const SUBSCRIPTION_BYTES = 512;
const BYTES = { absent: 512 * 1024, min: 1_024, max: 8 * 1024 * 1024 };
const PARTITIONS = { name: "partitions", min: 1, max: 1_000 };
const SUBSCRIPTIONS = { name: "subscriptions", min: 1, max: 10_000 };

/**
 * One consume stream: commands in, pushes out. The session begins with the first command, which may
 * be its options.
 */
export class ConsumeCall implements StreamHandler<ConsumeRequest> {
  readonly #environment: MethodEnvironment;
  readonly #stream: OpenStream<ConsumeResponse>;
  readonly #services: { readonly finder: PartitionFinder; readonly metrics: ServiceMetrics };
  #session: ConsumeSession | undefined;

  constructor(
    environment: MethodEnvironment,
    stream: OpenStream<ConsumeResponse>,
    services: { readonly finder: PartitionFinder; readonly metrics: ServiceMetrics },
  ) {
    this.#environment = environment;
    this.#stream = stream;
    this.#services = services;
  }

  onMessage(request: ConsumeRequest): void {
    const { open, subscribe, seek, pause, resume, unsubscribe, credit } = request;
    if (open !== undefined) {
      if (this.#session !== undefined) throw invalidRequest("open may only be the first command");
      this.#session = this.#createSession(limitsOf(open));
      return;
    }
    this.#session ??= this.#createSession({});
    const session = this.#session;
    if (subscribe !== undefined) this.#subscribe(session, subscribe);
    else if (seek !== undefined) {
      session.seek(seek.subscription, offsetFromWire(seek.offset, "offset"), seek.generation);
    } else if (pause !== undefined) session.pause(checked(pause.subscriptions));
    else if (resume !== undefined) session.resume(checked(resume.subscriptions));
    else if (unsubscribe !== undefined) {
      session.unsubscribe(checked(unsubscribe.subscriptions));
      this.#hold(session);
    } else if (credit !== undefined) session.grant(credit.bytes);
    else throw invalidRequest("a command of a consume stream is empty");
  }

  onWritable(): void {
    this.#session?.onWritable();
  }

  /** A consumer that sends no more commands, credit among them, is done. */
  onEnd(): void {
    this.#stream.end();
  }

  onClose(): void {
    this.#session?.close();
  }

  #subscribe(session: ConsumeSession, subscribe: ConsumeSubscribe): void {
    subscribeAll(session, subscribe);
    if (this.#hold(session)) return;
    throw new CodedError(
      "THROTTLED",
      "this connection has too many subscriptions; use another one",
    );
  }

  #hold(session: ConsumeSession): boolean {
    return this.#stream.setHeldBytes(session.subscriptionCount * SUBSCRIPTION_BYTES);
  }

  #createSession(limits: Partial<ConsumeSessionLimits>): ConsumeSession {
    const stream = this.#stream;
    return new ConsumeSession({
      ...this.#services,
      timers: this.#environment.timers,
      limits,
      stream: {
        get isWritable() {
          return stream.isWritable;
        },
        send: (pushes) => stream.write({ pushes: pushes.map((push) => this.#encode(push)) }),
      },
    });
  }

  #encode(push: ConsumePush): Input<WirePush> {
    const { id: subscription, ...rest } = push;
    if (!("error" in rest)) return { subscription, ...rest };
    const error = toWireError(localized(this.#environment, rest.error));
    return { subscription, generation: rest.generation, error };
  }
}

function limitsOf(open: ConsumeOpen): Partial<ConsumeSessionLimits> {
  return {
    messageBytes: numberFromWire(open.maxMessageBytes, { ...BYTES, name: "max_message_bytes" }),
    partitionBytes: numberFromWire(open.maxPartitionBytes, {
      ...BYTES,
      name: "max_partition_bytes",
    }),
  };
}

function subscribeAll(session: ConsumeSession, { partitions }: ConsumeSubscribe): void {
  checkCount(partitions, PARTITIONS);
  for (const wire of partitions) {
    const leaderEpoch = epochFromWire(wire.leaderEpoch, "leader_epoch");
    session.subscribe({
      id: wire.subscription,
      topic: wire.topic,
      partition: wire.partition,
      topicId: wire.topicId,
      offset: offsetFromWire(wire.offset, "offset"),
      ...(leaderEpoch === undefined ? {} : { leaderEpoch }),
    });
  }
}

function checked(ids: readonly number[]): readonly number[] {
  checkCount(ids, SUBSCRIPTIONS);
  return ids;
}

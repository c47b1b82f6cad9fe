import type { ErrorCode } from "@stratalog/base";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { CallMetrics } from "../grpc/call-environment.ts";
import type { ServiceMetrics } from "../services/service-metrics.ts";

/** Seconds; from one round trip in a rack to a stalled disk. */
const LATENCY_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

/** A number that is read when somebody asks for the metrics. */
export interface GaugeSource {
  /** Prometheus name, "stratalog_" before it, unit at its end. */
  readonly name: string;
  readonly help: string;
  readonly read: () => number;
}

/** Numbers by label that are read when somebody asks; the reader bounds how many there are. */
export interface LabelledSource<Label extends string> extends Omit<GaugeSource, "read"> {
  readonly labels: readonly Label[];
  readonly read: () => Iterable<{
    readonly labels: Readonly<Record<Label, string>>;
    readonly value: number;
  }>;
}

/**
 * The broker's metrics, in a registry of their own. Labels are methods and error codes: bounded.
 * Nothing here is per partition or per topic: a thousand histograms would block the event loop at
 * every scrape.
 */
export class BrokerMetrics implements CallMetrics, ServiceMetrics {
  readonly registry = new Registry();
  readonly #listeners: { readonly open: () => number; readonly refused: () => number }[] = [];
  readonly #calls: Counter<"method" | "code">;
  readonly #callSeconds: Histogram<"method">;
  readonly #streamsOpen: Gauge<"method">;
  readonly #streamsEnded: Counter<"method" | "code">;
  readonly #batchesIn: Counter;
  readonly #bytesIn: Counter;
  readonly #produceSeconds: Histogram;
  readonly #produceErrors: Counter<"code">;
  readonly #batchesOut: Counter;
  readonly #bytesOut: Counter;
  readonly #fetchErrors: Counter<"code">;

  constructor() {
    const registers = [this.registry];
    const counter = <Label extends string>(
      name: string,
      help: string,
      labelNames: Label[] = [],
    ): Counter<Label> =>
      new Counter({ name: `stratalog_${name}_total`, help, labelNames, registers });
    const seconds = <Label extends string>(
      name: string,
      help: string,
      labelNames: Label[] = [],
    ): Histogram<Label> =>
      new Histogram({
        name: `stratalog_${name}_seconds`,
        help,
        labelNames,
        buckets: LATENCY_BUCKETS,
        registers,
      });
    this.#calls = counter("grpc_calls", "Unary calls answered.", ["method", "code"]);
    this.#callSeconds = seconds("grpc_call", "Time to answer a unary call.", ["method"]);
    this.#streamsOpen = new Gauge({
      name: "stratalog_grpc_streams_open",
      help: "Streams open now.",
      labelNames: ["method"],
      registers,
    });
    this.#streamsEnded = counter("grpc_streams_ended", "Streams that ended.", ["method", "code"]);
    this.#batchesIn = counter("produce_batches", "Record batches appended and answered.");
    this.#bytesIn = counter("produce_bytes", "Bytes of record batches appended and answered.");
    this.#produceSeconds = seconds("produce", "Time from a batch's arrival to its answer.");
    this.#produceErrors = counter("produce_errors", "Record batches refused or lost.", ["code"]);
    this.#batchesOut = counter("fetch_batches", "Record batches sent to consumers.");
    this.#bytesOut = counter("fetch_bytes", "Bytes of record batches sent to consumers.");
    this.#fetchErrors = counter("fetch_errors", "Reads of a partition that failed.", ["code"]);
  }

  /** Adds a number that lives elsewhere. */
  addGauge({ name, help, read }: GaugeSource): void {
    const registers = [this.registry];
    // prom-client sets `this` to the gauge when it collects.
    new Gauge({
      name: `stratalog_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }

  /** Adds numbers that live elsewhere, by label. */
  addLabelledGauge<Label extends string>(source: LabelledSource<Label>): void {
    const { name, help, labels, read } = source;
    const registers = [this.registry];
    new Gauge({
      name: `stratalog_${name}`,
      help,
      labelNames: [...labels],
      registers,
      collect() {
        this.reset();
        for (const { labels: values, value } of read()) this.set(values, value);
      },
    });
  }

  /** Adds a count that lives elsewhere and never goes back; "_total" is added to its name. */
  addCounter({ name, help, read }: GaugeSource): void {
    const registers = [this.registry];
    new Counter({
      name: `stratalog_${name}_total`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  answered(method: string, code: ErrorCode | "OK", durationMs: number): void {
    this.#calls.inc({ method, code });
    this.#callSeconds.observe({ method }, durationMs / 1_000);
  }

  streamOpened(method: string): void {
    this.#streamsOpen.inc({ method });
  }

  streamClosed(method: string, code: ErrorCode | "OK"): void {
    this.#streamsOpen.dec({ method });
    this.#streamsEnded.inc({ method, code });
  }

  appended(bytes: number, durationMs: number): void {
    this.#batchesIn.inc();
    this.#bytesIn.inc(bytes);
    this.#produceSeconds.observe(durationMs / 1_000);
  }

  appendFailed(code: ErrorCode): void {
    this.#produceErrors.inc({ code });
  }

  fetched(batchCount: number, bytes: number): void {
    this.#batchesOut.inc(batchCount);
    this.#bytesOut.inc(bytes);
  }

  fetchFailed(code: ErrorCode): void {
    this.#fetchErrors.inc({ code });
  }

  watchInflightBytes(read: () => number): void {
    const help = "Bytes of record batches that are not answered yet.";
    this.addGauge({ name: "produce_inflight_bytes", help, read });
  }

  watchCallMemory(read: { readonly bytes: () => number; readonly stalled: () => number }): void {
    const help = "Memory that calls hold for their clients: requests in part, answers not taken.";
    this.addGauge({ name: "client_calls_bytes", help, read: read.bytes });
    const stalled = "Calls ended because their clients were too slow.";
    this.addCounter({ name: "client_calls_stalled", help: stalled, read: read.stalled });
  }

  watchConnections(read: { readonly open: () => number; readonly refused: () => number }): void {
    this.#listeners.push(read);
    if (this.#listeners.length > 1) return;
    const sum = (key: "open" | "refused"): number =>
      this.#listeners.reduce((total, listener) => total + listener[key](), 0);
    const help = "Connections of clients open now.";
    this.addGauge({ name: "client_connections", help, read: () => sum("open") });
    const refused = "Connections of clients turned away: too many, or no HTTP/2 in time.";
    const readRefused = (): number => sum("refused");
    this.addCounter({ name: "client_connections_refused", help: refused, read: readRefused });
  }
}

// What a client says of itself, against brokers that speak real gRPC on loopback.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { CodedError } from "@stratalog/base";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connect } from "../grpc/connect.ts";
import { FakeGroup } from "../testing/fake-group.ts";
import { FakeCluster } from "../testing/index.ts";
import type { Stratalog } from "./stratalog.ts";
import { type StoredEvent, Telemetry } from "./telemetry.ts";

let cluster: FakeCluster;
let log: Stratalog;
const heard: { readonly name: string; readonly message: unknown }[] = [];
const listener = (message: unknown, name: string | symbol): void => {
  heard.push({ name: String(name).replace("stratalog:client:", ""), message });
};
const NAMES = ["stored", "given-up", "fetched", "committed", "assigned", "revoked"] as const;

function messages(name: (typeof NAMES)[number]): readonly unknown[] {
  return heard.filter((each) => each.name === name).map(({ message }) => message);
}

beforeEach(async () => {
  heard.length = 0;
  cluster = await FakeCluster.start(1);
  cluster.createTopic("orders", 1);
  log = connect({ brokers: cluster.addresses, requestTimeoutMs: 5_000 });
});

afterEach(async () => {
  for (const name of NAMES) unsubscribe(`stratalog:client:${name}`, listener);
  await log.close({ timeoutMs: 500 }).catch(() => {});
  await cluster.stop();
});

describe("a client", () => {
  test("counts and tells what it stores, reads, commits, is given and gives up", async () => {
    new FakeGroup(cluster);
    for (const name of NAMES) subscribe(`stratalog:client:${name}`, listener);
    const values = ["a", "b", "c"].map((value) => ({ value }));
    await log.producer().sendBatch({ topic: "orders", records: values });
    const consumer = log.consumer({ group: "billing", topics: ["orders"], fromBeginning: true });
    let count = 0;
    for await (const _ of consumer) if (++count === 3) break;
    await consumer.commit([{ topic: "orders", partition: 0, offset: 3 }]);
    await consumer.close();
    const orders = { topic: "orders", partition: 0 };
    expect(messages("stored")).toMatchObject([
      { ...orders, baseOffset: 0, recordCount: 3, attempts: 1 },
    ]);
    expect(messages("fetched")).toMatchObject([{ ...orders, recordCount: 3, offset: 0 }]);
    expect(messages("committed")).toContainEqual({
      group: "billing",
      offsets: [expect.objectContaining({ ...orders, offset: 3 })],
    });
    expect(messages("assigned")).toMatchObject([{ group: "billing", partitions: [orders] }]);
    expect(log.metrics()).toMatchObject({
      recordsStored: 3,
      batchesStored: 1,
      bytesStored: (messages("stored")[0] as StoredEvent).sizeBytes,
      batchesRetried: 0,
      recordsFetched: 3,
      batchesFetched: 1,
      partitionsAssigned: 1,
    });
    expect(log.metrics().commits).toBe(messages("committed").length);
  });

  test("counts retries, and says what it gave up", async () => {
    let fate: "break" | "store" = "break";
    cluster.fateOf = () => {
      const now = fate;
      fate = "store";
      return now;
    };
    subscribe("stratalog:client:given-up", listener);
    await log.producer().send({ topic: "orders", value: "a" });
    expect(log.metrics()).toMatchObject({ recordsStored: 1, batchesRetried: 1 });
    cluster.fateOf = () => "drop";
    const hasty = log.producer({ deliveryTimeoutMs: 300 });
    await expect(hasty.send({ topic: "orders", value: "b" })).rejects.toBeInstanceOf(CodedError);
    expect(messages("given-up")).toMatchObject([{ topic: "orders", recordCount: 1 }]);
    expect(log.metrics().recordsGivenUp).toBe(1);
  });

  test("passes a record's trace headers through as they are", async () => {
    const headers = {
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      tracestate: "congo=t61rcWkgMzE",
    };
    await log.producer().send({ topic: "orders", value: "a", headers });
    for await (const record of log.replay({ topic: "orders" })) {
      expect(record.header("traceparent")).toBe(headers.traceparent);
      expect(record.header("tracestate")).toBe(headers.tracestate);
    }
  });
});

test("nobody listening, a batch costs telemetry well under a microsecond", () => {
  const telemetry = new Telemetry();
  const at = { topic: "orders", partition: 0 };
  const batch = { recordCount: 10, attempts: 1, createdMs: 0, bytes: new Uint8Array(100) };
  const before = process.cpuUsage();
  for (let i = 0; i < 200_000; i++) telemetry.stored(at, batch, { baseOffset: i, nowMs: 1 });
  const { user } = process.cpuUsage(before);
  expect(user / 200_000).toBeLessThan(1);
  expect(telemetry.metrics().recordsStored).toBe(2_000_000);
});

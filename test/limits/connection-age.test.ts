// Connections that are closed for their age, again and again, under producers and consumers: the
// SDK goes on without an error, and keeps its guarantees.
import { setTimeout as delay } from "node:timers/promises";
import { connect, type ConsumedRecord, type Stratalog } from "@stratalog/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LimitedBroker, TOPIC } from "./limited-broker.ts";

/** Long enough for a dozen ages of every connection. */
const WORK_MS = 5_000;
const AGE_MS = 400;
const GROUP = "aged";

let broker: LimitedBroker;

beforeAll(async () => {
  broker = await LimitedBroker.start({ "connection.max.age.ms": AGE_MS, "log.level": "silent" });
});

afterAll(() => broker[Symbol.asyncDispose]());

async function collect(records: AsyncIterable<ConsumedRecord>, into: string[]): Promise<void> {
  for await (const record of records) into.push(record.text() ?? "");
}

/** Streams of a method that were ended so far because their connection was old. */
async function agedCount(method: string): Promise<number> {
  const page = await fetch(`http://127.0.0.1:${broker.target.ports.http}/metrics`);
  const line = new RegExp(
    `^stratalog_grpc_streams_ended_total\\{method="[^"]*${method}",code="BROKER_NOT_AVAILABLE"\\} (.*)$`,
    "m",
  );
  return Number(line.exec(await page.text())?.[1] ?? 0);
}

/** Sends one record after the other for a while; gives what was acknowledged. */
async function sendFor(client: Stratalog, name: string, idempotent: boolean): Promise<string[]> {
  await using producer = client.producer({ idempotent });
  const sent: string[] = [];
  const endMs = performance.now() + WORK_MS;
  while (performance.now() < endMs) {
    const values = Array.from({ length: 20 }, (_, index) => `${name} ${sent.length + index}`);
    await Promise.all(
      values.map((value) => producer.send({ topic: TOPIC, partition: sent.length % 2, value })),
    );
    sent.push(...values);
    await delay(2);
  }
  return sent;
}

describe("connections that age", () => {
  it("cost neither an error nor a record, of producers, of groups or of readers", async () => {
    await using client = connect({ brokers: [`127.0.0.1:${broker.target.ports.client}`] });
    const assign = [0, 1].map((partition) => ({ topic: TOPIC, partition, offset: 0n }));
    const [grouped, assigned]: [string[], string[]] = [[], []];
    const member = client.consumer({ group: GROUP, topics: [TOPIC], fromBeginning: true });
    const went: unknown[] = [];
    member.on("revoked", (_partitions, reason) => void went.push(reason));
    const reader = client.consumer({ assign });
    const reading = [collect(member, grouped), collect(reader, assigned)];

    const sent = (
      await Promise.all([sendFor(client, "once", true), sendFor(client, "plain", false)])
    ).flat();
    expect(sent.length).toBeGreaterThan(500);
    const endMs = performance.now() + 10_000;
    while (performance.now() < endMs && Math.min(grouped.length, assigned.length) < sent.length) {
      await delay(20);
    }
    // What repeats would come now.
    await delay(500);
    expect(went).toEqual([]);
    await member.close();
    await reader.close();
    await Promise.all(reading);

    const replayed: string[] = [];
    await collect(client.replay({ topic: TOPIC, to: "end" }), replayed);
    // Nothing breaks in the middle of a batch: also without idempotence nothing is stored twice.
    const wanted = sent.toSorted();
    expect(replayed.toSorted()).toEqual(wanted);
    expect(assigned.toSorted()).toEqual(wanted);
    expect(grouped.toSorted()).toEqual(wanted);
    for (const method of ["ProduceStream", "Consume", "GroupSession"]) {
      expect([method, (await agedCount(method)) > 2]).toEqual([method, true]);
    }
  }, 60_000);
});

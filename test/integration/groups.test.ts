import { connect, type Consumer, type Stratalog } from "@stratalog/client";
import { describe, expect, it } from "vitest";
import { AcknowledgedLoad } from "./acknowledged-load.ts";
import { ProcessCluster } from "./process-cluster.ts";

// Consumer groups on three broker processes: partitions move, offsets stay.

const TOPIC = "orders";
const GROUP = "billing";

/** Reads on until it is closed, into one list for all members of the group. */
function read(consumer: Consumer, into: string[]): Promise<void> {
  return (async () => {
    for await (const record of consumer) {
      into.push(`${record.partition}/${record.offset}`);
    }
  })();
}

async function until(what: string, isSo: () => boolean, withinMs = 20_000): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!isSo()) {
    if (performance.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function member(client: Stratalog): Consumer {
  return client.consumer({ group: GROUP, topics: [TOPIC], fromBeginning: true });
}

describe("a consumer group", () => {
  it("shares partitions, goes on when a member leaves, and finds its offsets after a kill of all", async () => {
    await using cluster = await ProcessCluster.start({ brokers: 3 });
    const client = connect({ brokers: cluster.addresses });
    await client.admin().createTopic({ name: TOPIC, partitions: 6, replicationFactor: 3 });
    const load = new AcknowledgedLoad(client, TOPIC);
    await load.more(500);

    const seen: string[] = [];
    const [first, second] = [member(client), member(client)];
    const reading = [read(first, seen), read(second, seen)];
    await until("both members have partitions", () => {
      return first.assignment.length === 3 && second.assignment.length === 3;
    });
    await first.close();
    await until("the other member has all", () => second.assignment.length === 6);
    await load.more(500);
    await load.stop();
    const acknowledged = load.acknowledged.map((each) => `${each.partition}/${each.offset}`);
    await until("everything is read", () => new Set(seen).size >= acknowledged.length);
    await second.close();
    await Promise.all(reading);
    expect(new Set(seen)).toEqual(new Set(acknowledged));
    expect(seen.length).toBe(acknowledged.length);

    await Promise.all(cluster.brokers.map((broker) => broker.kill()));
    await cluster.startAll();
    const { offsets } = await client.admin().describeGroup(GROUP);
    const committed = offsets.reduce((sum, { offset }) => sum + offset, 0n);
    expect(committed).toBe(BigInt(acknowledged.length));

    const later: string[] = [];
    const third = member(client);
    const readingOn = read(third, later);
    await client.producer().send({ topic: TOPIC, key: "new", value: "after the kill" });
    await until("the new record is read", () => later.length > 0);
    await third.close();
    await readingOn;
    expect(later).toHaveLength(1);
    await client.close();
  }, 90_000);
});

import { startTestCluster } from "@stratalog/testing";
import { expect, it } from "vitest";

// Topics and partitions that come after the group: nothing of them is skipped, whatever the group's
// rule for beginners says.

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 15_000;
  while (!isSo()) {
    if (performance.now() > deadlineMs) throw new Error(`not within 15 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

it("a group that begins at the latest record reads later partitions and topics from their first", async () => {
  await using cluster = await startTestCluster();
  await using log = cluster.connect();
  const admin = log.admin();
  const producer = log.producer();
  await admin.createTopic({ name: "shop.orders", partitions: 1 });
  await producer.send({ topic: "shop.orders", partition: 0, value: "before the group" });

  const seen: string[] = [];
  const open = () => {
    const wishes = {
      group: "billing",
      topicPrefixes: ["shop."],
      autoOffsetReset: "latest" as const,
    };
    const consumer = log.consumer(wishes);
    const reading = (async () => {
      for await (const record of consumer) seen.push(record.text() ?? "");
    })();
    return { consumer, reading };
  };
  const first = open();
  await until("the group has the topic", () => first.consumer.assignment.length === 1);
  await producer.send({ topic: "shop.orders", partition: 0, value: "to the group" });
  await until("the first record is read", () => seen.length === 1);

  // Stored before the group can have heard of where they are.
  await admin.addPartitions("shop.orders", 2);
  await using other = cluster.connect();
  const later = other.producer();
  await later.send({ topic: "shop.orders", partition: 1, value: "in a later partition" });
  await admin.createTopic({ name: "shop.payments", partitions: 1 });
  await later.send({ topic: "shop.payments", partition: 0, value: "in a later topic" });
  await until("both are read", () => seen.length === 3);
  await first.consumer.close();
  await first.reading;

  // Nobody is in the group, and the partition is no less a later one.
  await admin.addPartitions("shop.orders", 3);
  await using third = cluster.connect();
  await third
    .producer()
    .send({ topic: "shop.orders", partition: 2, value: "while nobody was there" });
  const second = open();
  await until("it is read", () => seen.length === 4);
  await second.consumer.close();
  await second.reading;
  expect(seen.toSorted()).toEqual([
    "in a later partition",
    "in a later topic",
    "to the group",
    "while nobody was there",
  ]);
}, 60_000);

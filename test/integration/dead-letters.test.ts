import { type ConsumedRecord, readDeadLetter, type Stratalog } from "@stratalog/client";
import { startTestCluster, type TestCluster } from "@stratalog/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { strata } from "../tour/strata-process.ts";

// Records that no handler can deal with: copied away, shown, and sent back as they were.

let cluster: TestCluster;
let log: Stratalog;

beforeAll(async () => {
  cluster = await startTestCluster();
  log = cluster.connect();
  await log.admin().createTopic({ name: "orders", partitions: 2 });
  const producer = log.producer();
  for (let n = 0; n < 10; n++) {
    const value = n % 3 === 0 ? `bad ${n}` : `good ${n}`;
    const headers = { trace: `t-${n}` };
    await producer.send({ topic: "orders", partition: n % 2, key: `k${n}`, value, headers });
  }
});

afterAll(async () => {
  await log.close();
  await cluster.stop();
});

/** Runs `strata dlq` against the cluster. */
async function dlq(...args: readonly string[]): Promise<string> {
  const env = { STRATALOG_BROKERS: cluster.addresses.join(",") };
  const { code, stdout, stderr } = await strata(["dlq", ...args], { env });
  expect(code, stderr).toBe(0);
  return stdout;
}

async function recordsOf(topic: string): Promise<readonly ConsumedRecord[]> {
  const records: ConsumedRecord[] = [];
  for await (const record of log.replay({ topic })) records.push(record);
  return records;
}

function textsOf(records: readonly ConsumedRecord[]): readonly string[] {
  const texts = records.map((each) => each.text() ?? "");
  return texts.toSorted();
}

/** Handles the topic until everything is committed; gives what was handled. */
async function handle(isBroken: boolean): Promise<readonly string[]> {
  await using consumer = log.consumer({
    group: "billing",
    topics: ["orders"],
    fromBeginning: true,
  });
  const handled: string[] = [];
  const running = consumer.run({
    concurrency: 4,
    orderBy: "key",
    retry: { attempts: 2, backoffMs: 1 },
    deadLetter: true,
    handler: (record) => {
      if (isBroken && record.text()?.startsWith("bad") === true) throw new Error("no price");
      handled.push(record.text() ?? "");
    },
  });
  const isThrough = (): boolean => {
    const { positions } = consumer;
    return positions.length === 2 && positions.every(({ lag }) => lag === 0n);
  };
  while (!isThrough()) await new Promise((resolve) => setTimeout(resolve, 20));
  await consumer.close();
  await running;
  return handled.toSorted();
}

describe("dead letters", () => {
  it("leave the topic, say why, and come back as they were, each once", async () => {
    expect(await handle(true)).toEqual([1, 2, 4, 5, 7, 8].map((n) => `good ${n}`));
    const letters = await recordsOf("orders.dlq");
    const bad = [0, 3, 6, 9].map((n) => `bad ${n}`);
    expect(textsOf(letters)).toEqual(bad);
    expect(await dlq("list")).toMatch(/^orders\.dlq +4 +4$/m);
    const shown = await dlq("show", "orders.dlq", "--json");
    const first: unknown = JSON.parse(shown.split("\n")[0] ?? "");
    expect(first).toMatchObject({
      origin: { topic: "orders", group: "billing" },
      failure: { error: "Error: no price", attempts: 2 },
      record: { headers: [{ key: "trace" }] },
    });
    expect(await dlq("redrive", "orders.dlq", "--dry-run")).toMatch(/^orders +4$/m);
    expect((await recordsOf("orders")).length).toBe(10);

    expect(await dlq("redrive", "orders.dlq", "--max", "1")).toMatch(/^orders +1$/m);
    expect(await dlq("redrive", "orders.dlq")).toMatch(/^orders +3$/m);
    expect(await dlq("list", "orders.dlq")).toMatch(/^orders\.dlq +4 +0$/m);

    const back = (await recordsOf("orders")).slice(-20).filter(({ offset }) => offset >= 5n);
    expect(textsOf(back)).toEqual(bad);
    for (const record of back) {
      const n = Number(record.text()?.slice(4));
      expect(record.headers).toHaveLength(1);
      expect(record.header("trace")).toBe(`t-${n}`);
      expect(record.keyText()).toBe(`k${n}`);
      expect(record.partition).toBe(n % 2);
      expect(readDeadLetter(record.headers)).toBeUndefined();
    }
    // The handler is mended meanwhile.
    expect(await handle(false)).toEqual(bad);
  }, 120_000);
});

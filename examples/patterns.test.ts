import type { Stratalog } from "@stratalog/client";
import { startTestCluster, type TestCluster } from "@stratalog/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { subscribe } from "./publish-subscribe.ts";
import { Asker, serve } from "./request-reply.ts";
import { startWorker } from "./work-queue.ts";

let cluster: TestCluster;
let log: Stratalog;

beforeAll(async () => {
  cluster = await startTestCluster();
  log = cluster.connect();
});

afterAll(async () => {
  await log.close();
  await cluster.stop();
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("work-queue.ts", () => {
  it("does each job once, by whichever worker, and puts the impossible one aside", async () => {
    await log.admin().createTopic({ name: "jobs", partitions: 4 });
    const records = Array.from({ length: 60 }, (_, n) => ({ value: `job ${n}` }));
    const done: string[] = [];
    const workers = ["first", "second"].map((name) =>
      startWorker(log, (job) => {
        if (job.text() === "job 13") return Promise.reject(new Error("impossible"));
        done.push(`${name}: ${job.text()}`);
        return Promise.resolve();
      }),
    );
    const [first, second] = workers;
    await until(() => first?.worker.assignment.length === 2);
    await until(() => second?.worker.assignment.length === 2);
    // Each goes to a partition in turn.
    const jobs = records.map((record, n) => ({ ...record, partition: n % 4 }));
    await log.producer().sendBatch({ topic: "jobs", records: jobs });
    await until(() => done.length === 59);
    // The impossible one has been tried five times when the topic for such jobs is there.
    const topics = async (): Promise<readonly string[]> =>
      (await log.admin().listTopics()).map(({ name }) => name);
    while (!(await topics()).includes("jobs.dlq")) await new Promise((r) => setTimeout(r, 20));
    await Promise.all(workers.map(({ worker }) => worker.close()));
    await Promise.all(workers.map(({ running }) => running));
    expect(new Set(done.map((each) => each.slice(each.indexOf("job")))).size).toBe(59);
    expect(done.filter((each) => each.startsWith("first")).length).toBeGreaterThan(20);
    const aside: (string | null)[] = [];
    for await (const record of log.replay({ topic: "jobs.dlq" })) aside.push(record.text());
    expect(aside).toEqual(["job 13"]);
  });
});

describe("publish-subscribe.ts", () => {
  it("gives everything to everybody", async () => {
    await log.admin().createTopic({ name: "news", partitions: 2 });
    const producer = log.producer();
    await producer.send({ topic: "news", value: "old" });
    await using reader = cluster.connect();
    const heard = { archive: [] as string[], radio: [] as string[] };
    const subscribers = (["archive", "radio"] as const).map((name) => {
      const isArchive = name === "archive";
      return subscribe(reader, { name, fromBeginning: isArchive }, (news) => {
        heard[name].push(news);
      });
    });
    const groups = async (): Promise<number> => (await log.admin().listGroups()).length;
    await until(() => heard.archive.length === 1);
    while ((await groups()) < 2) await new Promise((resolve) => setTimeout(resolve, 20));
    // The radio begins where the topic ends once it has joined.
    for (let n = 0; !heard.radio.includes("last"); n++) {
      await producer.send({ topic: "news", value: n < 3 ? `news ${n}` : "last" });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await until(() => heard.archive.includes("last"));
    expect(heard.archive.toSorted()).toEqual(expect.arrayContaining(["news 0", "old"]));
    expect(heard.radio).not.toContain("old");
    await reader.close();
    await Promise.all(subscribers);
  });
});

describe("request-reply.ts", () => {
  it("answers each with what was asked", async () => {
    for (const name of ["requests", "replies"]) {
      await log.admin().createTopic({ name, partitions: 1 });
    }
    const stop = new AbortController();
    const serving = serve(log, (request) => Promise.resolve(request.toUpperCase()), stop.signal);
    const asker = new Asker(log);
    const questions = ["a", "b", "c", "d"];
    const replies = await Promise.all(questions.map((each) => asker.ask(each)));
    expect(replies).toEqual(["A", "B", "C", "D"]);
    stop.abort();
    await expect(serving).rejects.toMatchObject({ code: "ABORTED" });
    await expect(asker.ask("e", 100)).rejects.toThrow("no reply");
  });
});

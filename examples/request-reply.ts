import { randomUUID } from "node:crypto";
import type { Consumer, Producer, Stratalog } from "@stratalog/client";

/** Answers requests until the signal aborts. Several servers share them. */
export async function serve(
  log: Stratalog,
  answer: (request: string) => Promise<string>,
  signal: AbortSignal,
): Promise<void> {
  await using producer = log.producer();
  await using requests = log.consumer({
    group: "servers",
    topics: ["requests"],
    fromBeginning: true,
  });
  await requests.run({
    signal,
    concurrency: 20,
    orderBy: "none",
    handler: async (request) => {
      const id = request.header("correlation-id") ?? "";
      const topic = request.header("reply-to") ?? "";
      const value = await answer(request.text() ?? "");
      await producer.send({ topic, value, headers: { "correlation-id": id } });
    },
  });
}

/** Asks, and matches replies to requests by their correlation id. */
export class Asker {
  readonly #waiting = new Map<string, (reply: string) => void>();
  readonly #producer: Producer;
  readonly #replies: Consumer;
  readonly #ready: Promise<void>;

  constructor(log: Stratalog) {
    this.#producer = log.producer();
    const assign = [{ topic: "replies", partition: 0, offset: "latest" }] as const;
    this.#replies = log.consumer({ assign });
    this.#ready = new Promise((resolve) => this.#replies.on("assigned", () => resolve()));
    void this.#replies.run({
      handler: (reply) =>
        this.#waiting.get(reply.header("correlation-id") ?? "")?.(reply.text() ?? ""),
    });
  }

  async ask(value: string, timeoutMs = 10_000): Promise<string> {
    await this.#ready;
    const id = randomUUID();
    const replied = new Promise<string>((resolve, reject) => {
      this.#waiting.set(id, resolve);
      AbortSignal.timeout(timeoutMs).onabort = () => reject(new Error(`no reply to ${id}`));
    });
    const headers = { "correlation-id": id, "reply-to": "replies" };
    try {
      const sent = this.#producer.send({ topic: "requests", value, headers });
      const [reply] = await Promise.all([replied, sent]);
      return reply;
    } finally {
      this.#waiting.delete(id);
    }
  }
}

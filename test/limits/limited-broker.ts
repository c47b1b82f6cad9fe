import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@stratalog/base";
import { loadBrokerConfig, nodeEnvironment, startBroker } from "@stratalog/broker";
import { connect } from "@stratalog/client";
import { Target } from "../catalogue/target.ts";

/** A topic of two partitions that every limited broker has. */
export const TOPIC = "catalogue";

/** A broker of its own in this process, with small limits, and what strangers open to it. */
export class LimitedBroker implements AsyncDisposable {
  readonly target: Target;
  readonly #stop: () => Promise<void>;

  private constructor(target: Target, stop: () => Promise<void>) {
    this.target = target;
    this.#stop = stop;
  }

  /** Starts with settings under their outside names, and makes the topic. */
  static async start(settings: Readonly<Record<string, string | number>>): Promise<LimitedBroker> {
    const directory = await mkdtemp(join(tmpdir(), "stratalog-limits-"));
    const ports = ["client", "peer", "http"].map((port) => `listeners.${port}.port=0`);
    const own = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    const fixed = ["node.id=1", `data.dir=${join(directory, "data")}`, "wal.file.bytes=1048576"];
    const config = loadBrokerConfig({ flags: [...fixed, ...ports, ...own] });
    const onFatal = (reason: string): never => {
      throw new Error(reason);
    };
    const environment = nodeEnvironment(config, { logger: silentLogger, onFatal });
    const broker = await startBroker(environment, config);
    await broker.ready;
    const target = new Target(broker.ports, await prepared(`127.0.0.1:${broker.ports.client}`));
    return new LimitedBroker(target, async () => {
      target.release();
      await broker.stop();
      await rm(directory, { recursive: true, force: true });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stop();
  }
}

/** Makes the topic and waits for its leaders; gives the cluster's id. */
async function prepared(address: string): Promise<string> {
  await using client = connect({ brokers: [address] });
  const admin = client.admin();
  await admin.createTopic({ name: TOPIC, partitions: 2 });
  await admin.listOffsets({ topic: TOPIC, at: "latest" });
  const { clusterId } = await admin.describeCluster();
  return clusterId ?? "";
}

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brokerId, machineTimers, sleep } from "@stratalog/base";
import { PartitionReplica } from "@stratalog/partition";
import { MemoryPeerNetwork } from "@stratalog/raft-host/testing";
import { expect, it } from "vitest";
import {
  type HostingNode,
  ordersImage,
  produceSomewhere,
  startHostingNode,
} from "../testing/hosting-node.ts";

// Replicas over the real log store and Raft host; only the metadata, the links and how much room
// there is are made up.

const WAIT_MS_MAX = 10_000;

async function until(holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS_MAX;
  while (!holds() && performance.now() < deadlineMs) await sleep(machineTimers, 10);
}

/** Three nodes with files of a few records; those in `full` have no room for records. */
async function threeNodes(directory: string, full: ReadonlySet<number>): Promise<HostingNode[]> {
  const network = new MemoryPeerNetwork(machineTimers);
  const image = ordersImage(1, [1, 2, 3], { "segment.bytes": "1024" });
  return Promise.all(
    [1, 2, 3].map((id) => {
      const link = network.link(brokerId(id));
      const isDiskFull = (): boolean => full.has(id);
      return startHostingNode({ id, directory, image, link, isDiskFull });
    }),
  );
}

it("a follower without room for the last records gives up what its leader has given up", async () => {
  const directory = await mkdtemp(join(tmpdir(), "stratalog-full-follower-"));
  const full = new Set<number>();
  const nodes = await threeNodes(directory, full);
  const produce = async (from: number, to: number): Promise<HostingNode> => {
    for (let sequence = from; ; sequence++) {
      const record = { value: `value-${sequence}`, sequence };
      const { leader } = await produceSomewhere(nodes, 0, record);
      if (sequence === to) return nodes.find(({ id }) => id === leader)!;
    }
  };
  const first = await produce(0, 49);
  const follower = nodes.find((node) => node !== first)!;
  const behind = follower.partition(0);
  await until(() => behind.highWatermark === 50);
  full.add(follower.id);
  // It lacks less than its leader keeps, so that no snapshot brings it forward.
  const leading = (await produce(50, 51)).partition(0);
  const { sizeBytes } = behind.describe();
  if (!(leading instanceof PartitionReplica)) throw new Error("no replica");
  expect(leading.proposeLogStart(40)).toBe(true);
  await until(() => behind.logStartOffset === 40);
  expect(behind.logStartOffset).toBe(40);
  expect(behind.logEndOffset).toBe(50);
  expect(behind.describe().sizeBytes).toBeLessThan(sizeBytes / 2);
  full.clear();
  await until(() => behind.highWatermark === 52);
  expect(behind.logEndOffset).toBe(52);
  await Promise.all(nodes.map((node) => node.stop()));
  await rm(directory, { recursive: true, force: true });
});

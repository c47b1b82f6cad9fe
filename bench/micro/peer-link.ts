/**
 * Throughput of a TCP peer link between two links of this process: small messages on the control
 * lane, appends on the bulk lane. `npx tsx -C @stratalog/source bench/micro/peer-link.ts`
 */
import {
  type BrokerId,
  brokerId,
  machineRandom,
  machineTimers,
  silentLogger,
} from "@stratalog/base";
import { type Lane, PEER_MESSAGE, type PeerHandler, TcpPeerLink } from "@stratalog/raft-host";
import { testHello } from "@stratalog/raft-host/testing";

const HOST = "127.0.0.1";
const [SENDER, RECEIVER] = [brokerId(1), brokerId(2)];
const RUN_MS = 3000;

class Counter implements PeerHandler {
  bytes = 0;
  messages = 0;
  onUp: () => void = () => {};
  onRoom: () => void = () => {};

  onMessage(_from: BrokerId, _lane: Lane, _kind: number, payload: Uint8Array): void {
    this.bytes += payload.length;
    this.messages++;
  }

  onPeerUp(): void {
    this.onUp();
  }

  onPeerDown(): void {}

  onDrained(): void {
    this.onRoom();
  }

  checkHello(): undefined {}
}

async function openPair(): Promise<{ link: TcpPeerLink; sender: Counter; receiver: Counter }> {
  const shared = { timers: machineTimers, random: machineRandom, logger: silentLogger };
  const create = (): TcpPeerLink => new TcpPeerLink({ ...shared, listen: { host: HOST, port: 0 } });
  const [link, other] = [create(), create()];
  const [sender, receiver] = [new Counter(), new Counter()];
  link.setHello(testHello(SENDER));
  other.setHello(testHello(RECEIVER));
  await link.start(sender);
  const { port } = await other.start(receiver);
  await new Promise<void>((resolve) => {
    sender.onUp = resolve;
    link.setPeers(new Map([[RECEIVER, { host: HOST, port }]]));
  });
  return { link, sender, receiver };
}

/** Sends until the lane is full, again and again, in turns of at most `perTurn` messages. */
async function measure(
  name: string,
  lane: Lane,
  parts: readonly Uint8Array[],
  perTurn: number,
): Promise<void> {
  const { link, sender, receiver } = await openPair();
  let isOver = false;
  const turn = (): void => {
    if (isOver) return;
    for (let i = 0; i < perTurn; i++) {
      if (link.send(RECEIVER, lane, PEER_MESSAGE.raft, parts) !== "sent") return;
    }
    setImmediate(turn);
  };
  sender.onRoom = turn;
  const startMs = performance.now();
  turn();
  await new Promise((resolve) => {
    setTimeout(resolve, RUN_MS);
  });
  isOver = true;
  const seconds = (performance.now() - startMs) / 1000;
  const perSecond = Math.round(receiver.messages / seconds).toLocaleString("en");
  const megabytes = (receiver.bytes / seconds / 1e6).toFixed(0);
  console.log(
    `${name.padEnd(34)} ${perSecond.padStart(10)} messages/s ${megabytes.padStart(6)} MB/s`,
  );
  await link.stop();
}

await measure("heartbeats, 60 B, 20 a turn", "control", [new Uint8Array(60)], 20);
await measure("one append of 1 KiB a turn", "bulk", [new Uint8Array(64), new Uint8Array(1024)], 1);
await measure("appends of 64 KiB", "bulk", [new Uint8Array(64), new Uint8Array(65536)], 8);
await measure("appends of 256 KiB", "bulk", [new Uint8Array(64), new Uint8Array(262_144)], 4);
process.exit(0);

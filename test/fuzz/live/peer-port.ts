import { randomUUID } from "node:crypto";
import { brokerId, encodeUtf8, type GroupNumber, type Random } from "@stratalog/base";
import { frameCodec } from "@stratalog/log-store";
import { PEER_MESSAGE } from "@stratalog/raft-host";
import {
  encodeHandshake,
  encodeRequest,
  encodeWireMessages,
  MessageBatch,
} from "@stratalog/raft-host/testing";
import { sampleHandshakes } from "../decoders/peer-streams.ts";
import { sampleMessages } from "../decoders/raft-batches.ts";
import { joined, mutated, oneOf } from "../mutation.ts";
import { type FuzzTarget, must } from "../target.ts";
import type { LiveBroker } from "./live-broker.ts";
import { rawSocket } from "./raw-client.ts";

const CONNECTION_MS_MAX = 8_000;
const METHODS = ["formation.status", "controller.submit", "metadata.fetch", "nothing"] as const;

/** Connections to the peer port: noise, broken handshakes, and a peer of the cluster gone mad. */
export function peerTarget(live: LiveBroker): FuzzTarget {
  return {
    name: "peer connections",
    casesPerRound: 1_000,
    async run(random) {
      const { peerPort } = live.broker.plan;
      const chunks = random.below(3) === 0 ? [stranger(random)] : madPeer(live.clusterId, random);
      const answer = await rawSocket(peerPort, chunks, CONNECTION_MS_MAX);
      must(answer !== undefined, "a peer that is done is never let go");
    },
    settle: () => live.check(),
  };
}

/** Requests of the page that operators look at. */
export function httpTarget(live: LiveBroker): FuzzTarget {
  const samples = ["/healthz", "/readyz", "/metrics", "/../../etc/passwd", "/%00"].map((path) =>
    encodeUtf8(`GET ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody`),
  );
  return {
    name: "HTTP requests",
    casesPerRound: 300,
    async run(random) {
      const bytes = mutated(oneOf(samples, random), random);
      const answer = await rawSocket(live.broker.plan.httpPort, [bytes], 2 * CONNECTION_MS_MAX);
      must(answer !== undefined, "an HTTP connection that is done is never let go");
    },
    settle: () => live.check(),
  };
}

function stranger(random: Random): Uint8Array {
  if (random.below(2) === 0) return random.bytes(random.below(300));
  return mutated(oneOf(sampleHandshakes(), random), random);
}

/** A handshake that holds, then messages that may not. */
function madPeer(clusterId: string, random: Random): readonly Uint8Array[] {
  const hello = {
    protocolVersion: 1,
    clusterId,
    brokerId: brokerId(2 + random.below(3)),
    directoryId: randomUUID(),
    incarnation: randomUUID(),
  };
  const lane = oneOf(["control", "bulk"] as const, random);
  const batch = new MessageBatch();
  for (let count = 1 + random.below(6); count > 0; count--) {
    const { kind, payload } = drawMessage(random);
    batch.add(kind, [payload], payload.length);
  }
  const messages = joined(batch.take());
  return [
    encodeHandshake({ type: "hello", lane, hello }),
    random.below(4) === 0 ? mutated(messages, random) : messages,
  ];
}

function drawMessage(random: Random): { readonly kind: number; readonly payload: Uint8Array } {
  const shape = random.below(4);
  if (shape === 0) return { kind: random.below(8), payload: random.bytes(random.below(100)) };
  if (shape === 1) {
    const method = oneOf(METHODS, random);
    const body = oneOf([encodeUtf8("{}"), encodeUtf8('{"fromIndex":0,"waitMs":0}')], random);
    const request = joined(encodeRequest({ correlation: random.below(9), method, body }));
    return { kind: PEER_MESSAGE.request, payload: mutated(request, random) };
  }
  // Replicas that there may be: the controller's first, those of topics.
  const messages = sampleMessages(random.below(3), random.below(3)).map((message) => ({
    ...message,
    // Groups that there are: the controller's and the first ones of topics.
    group: random.below(5) as GroupNumber,
  }));
  const raft = joined(encodeWireMessages([oneOf(messages, random)], frameCodec));
  const isChanged = random.below(2) === 0;
  return { kind: PEER_MESSAGE.raft, payload: isChanged ? mutated(raft, random) : raft };
}

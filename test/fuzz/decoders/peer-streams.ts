import { isDeepStrictEqual } from "node:util";
import { brokerId, CodedError, encodeUtf8, type Random } from "@stratalog/base";
import { MalformedMessageError, PEER_MESSAGE } from "@stratalog/raft-host";
import {
  decodeHandshake,
  decodeRequest,
  decodeResponse,
  encodeHandshake,
  encodeRequest,
  encodeResponse,
  MessageAssembler,
  MessageBatch,
} from "@stratalog/raft-host/testing";
import { joined, mutated, oneOf } from "../mutation.ts";
import { type FuzzTarget, must } from "../target.ts";

const MESSAGE_BYTES_MAX = 64 * 1024;
const HANDSHAKE_BYTES_MAX = 2_048 + 7;

/** The first bytes of a peer connection. */
export function handshakeTarget(): FuzzTarget {
  const samples = sampleHandshakes();
  return {
    name: "peer handshakes",
    casesPerRound: 50_000,
    run(random) {
      const bytes = mutated(oneOf(samples, random), random);
      const decoding = decodeHandshake(bytes);
      if (decoding.kind === "incomplete") {
        must(bytes.length <= HANDSHAKE_BYTES_MAX, "a handshake that never ends is waited for");
      }
      if (decoding.kind !== "handshake") return;
      must(decoding.endPosition <= bytes.length, "a handshake beyond its bytes");
      const again = decodeHandshake(encodeHandshake(decoding.handshake));
      must(again.kind === "handshake", "a handshake cannot be said again");
      const isSame = isDeepStrictEqual(again.handshake, decoding.handshake);
      // The reason of a refusal is cut.
      must(isSame || decoding.handshake.type === "refusal", "a handshake changes");
    },
  };
}

/** A stream of peer messages in chunks of any size. */
export function assemblerTarget(): FuzzTarget {
  return {
    name: "peer message streams",
    casesPerRound: 5_000,
    run(random) {
      const { bytes, messages } = drawStream(random);
      const isWhole = random.below(2) === 0;
      const stream = isWhole ? bytes : mutated(bytes, random);
      const seen: string[] = [];
      let gatheredBytes = 0;
      const assembler = new MessageAssembler(MESSAGE_BYTES_MAX, (kind, payload) => {
        gatheredBytes += payload.length;
        seen.push(`${kind} ${Buffer.from(payload).toString("hex")}`);
      });
      const hasFailed = feed(assembler, stream, random);
      must(gatheredBytes <= stream.length, "messages hold more than was sent");
      if (!isWhole) return;
      must(!hasFailed, "a good stream is refused");
      must(isDeepStrictEqual(seen, messages), "messages depend on how the stream was cut");
    },
  };
}

/** Calls between brokers. */
export function peerCallTarget(): FuzzTarget {
  const body = encodeUtf8('{"type":"x"}');
  const error = new CodedError("NOT_LEADER", "elsewhere", { details: { leaderId: 3 } });
  const samples = [
    joined(encodeRequest({ correlation: 300, method: "controller.submit", body })),
    joined(encodeResponse({ correlation: 2 ** 40, outcome: { body } })),
    joined(encodeResponse({ correlation: 1, outcome: { error } })),
  ];
  return {
    name: "peer calls",
    casesPerRound: 50_000,
    run(random) {
      const bytes = mutated(oneOf(samples, random), random);
      for (const decode of [decodeRequest, decodeResponse]) refusedOrNot(() => decode(bytes));
    },
  };
}

function refusedOrNot(decode: () => unknown): boolean {
  try {
    decode();
    return false;
  } catch (error) {
    must(error instanceof MalformedMessageError, `a decoder throws ${String(error)}`);
    return true;
  }
}

function feed(assembler: MessageAssembler, stream: Uint8Array, random: Random): boolean {
  for (let position = 0; position < stream.length; ) {
    const end = position + 1 + random.below(40);
    const chunk = stream.subarray(position, end);
    if (refusedOrNot(() => assembler.push(chunk))) return true;
    position = end;
  }
  return false;
}

function drawStream(random: Random): { bytes: Uint8Array; messages: string[] } {
  const batch = new MessageBatch();
  const messages: string[] = [];
  const count = 1 + random.below(5);
  for (let index = 0; index < count; index++) {
    const kind = oneOf(Object.values(PEER_MESSAGE), random);
    const payload = random.bytes(random.below(random.below(8) === 0 ? 3_000 : 40));
    batch.add(kind, [payload], payload.length);
    messages.push(`${kind} ${Buffer.from(payload).toString("hex")}`);
  }
  return { bytes: joined(batch.take()), messages };
}

/** Every block of the handshake. */
export function sampleHandshakes(): readonly Uint8Array[] {
  const hello = {
    protocolVersion: 1,
    clusterId: "7b0f3a9e-53f0-4b59-8d6b-0d1f5f0c9a11",
    brokerId: brokerId(2),
    directoryId: "0c1f5f0c-53f0-4b59-8d6b-7b0f3a9e0001",
    incarnation: "0c1f5f0c-53f0-4b59-8d6b-7b0f3a9e0002",
  };
  return [
    encodeHandshake({ type: "hello", lane: "control", hello }),
    encodeHandshake({ type: "hello", lane: "bulk", hello }),
    encodeHandshake({ type: "welcome", hello }),
    encodeHandshake({ type: "refusal", reason: "another cluster", hello }),
  ];
}

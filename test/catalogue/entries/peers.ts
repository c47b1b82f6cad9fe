import {
  brokerId,
  CodedError,
  CONTROLLER_GROUP,
  type ReplicaEpoch,
  replicaNumber,
} from "@stratalog/base";
import { loadBrokerConfig } from "@stratalog/broker";
import { frameCodec } from "@stratalog/log-store";
import { PEER_MESSAGE, type PeerHello } from "@stratalog/raft-host";
import {
  encodeHandshake,
  encodeWireMessages,
  MessageBatch,
  type WireMessage,
} from "@stratalog/raft-host/testing";
import { connection } from "../attacks.ts";
import { section, type Attack, type Row } from "../entry.ts";

const ID = "5a8e4a4e-0000-4000-8000-00000000000f";

/** A hello of broker 2 of the cluster, changed, and messages after it. */
function peer(change: Partial<PeerHello>, ...messages: readonly Uint8Array[]): Attack {
  return (target) => {
    const hello: PeerHello = {
      protocolVersion: 1,
      clusterId: target.clusterId,
      brokerId: brokerId(2),
      directoryId: ID,
      incarnation: ID,
      ...change,
    };
    const greeting = encodeHandshake({ type: "hello", lane: "control", hello });
    return connection("peer", greeting, ...messages)(target);
  };
}

function message(kind: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const batch = new MessageBatch();
  batch.add(
    kind,
    parts,
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  return Buffer.concat(batch.take());
}

/** A vote that broker 2, which is no member, asks for in a term far ahead. */
function strangersVote(): Uint8Array {
  const replica = (broker: number): number =>
    replicaNumber({ brokerId: brokerId(broker), replicaEpoch: 0 as ReplicaEpoch });
  const request = { type: "vote-request", lastIndex: 9_999, lastTerm: 9_999, force: true } as const;
  const late: WireMessage = {
    group: CONTROLLER_GROUP,
    message: { ...request, from: replica(2), to: replica(1), term: 4_000_000_000 },
    frames: [],
  };
  return message(PEER_MESSAGE.raft, ...encodeWireMessages([late], frameCodec));
}

const latin = (text: string): Uint8Array => Buffer.from(text, "latin1");
const endless = Buffer.from([0xff, 0xff, 0xff, 0xff, 1]);
/** Ends the connection, so that what came before it is known to be read. */
const nonsense = message(9, latin("x"));

/** A configuration that must be refused. */
const configured =
  (...flags: readonly string[]): Attack =>
  async () => {
    try {
      loadBrokerConfig({ flags: ["node.id=1", "data.dir=d", ...flags] });
      return { kind: "answered" };
    } catch (error) {
      const { code, message: text } = CodedError.from(error);
      return { kind: "error", code, message: text };
    }
  };

const PEER_ROWS: readonly Row[] = [
  ["a connection that says nothing", connection("peer"), "closed"],
  ["HTTP", connection("peer", latin("GET / HTTP/1.1\r\n\r\n")), "closed"],
  ["a handshake of 65,535 bytes", connection("peer", latin("STLP\x01\xff\xff")), "closed"],
  ["a handshake that is no JSON", connection("peer", latin("STLP\x01\x00\x03{{{")), "closed"],
  ["a welcome where a hello should be", connection("peer", latin("STLP\x03\x00\x02{}")), "closed"],
  ["a broker of another cluster", peer({ clusterId: ID }), "closed"],
  ["a broker with this broker's number", peer({ brokerId: brokerId(1) }), "closed"],
  ["a broker that speaks another version", peer({ protocolVersion: 99 }), "closed"],
  ["a message of 4 GiB", peer({}, endless), "closed"],
  ["a message of a kind that nobody knows", peer({}, nonsense), "closed"],
  [
    "Raft messages that are none",
    peer({}, message(PEER_MESSAGE.raft, latin("\x01\xff")), nonsense),
    "closed",
  ],
  ["a vote that no member asks for", peer({}, strangersVote(), nonsense), "closed"],
  ["a call that is none", peer({}, message(PEER_MESSAGE.request, latin("\xff"))), "closed"],
  ["gossip that is none", peer({}, message(PEER_MESSAGE.gossip, latin("\xff"))), "closed"],
];

const ADDRESS_ROWS: readonly Row[] = [
  ["a seed without a port", configured("seeds=1@host"), "INVALID_CONFIG"],
  ["a seed with port 99999", configured("seeds=1@host:99999"), "INVALID_CONFIG"],
  ["a seed without a host", configured("seeds=1@:9093"), "INVALID_CONFIG"],
  ["a seed with broker number 0", configured("seeds=0@host:9093"), "INVALID_CONFIG"],
  [
    "all addresses, told to clients",
    configured("listeners.client.host=0.0.0.0", "insecure=true"),
    "INVALID_CONFIG",
  ],
  [
    "all addresses of IPv6, told to brokers",
    configured("listeners.peer.host=::", "insecure=true"),
    "INVALID_CONFIG",
  ],
  [
    "an open address without encryption",
    configured("listeners.client.host=192.0.2.1"),
    "INVALID_CONFIG",
  ],
  ["an open page for operators", configured("listeners.http.host=192.0.2.1"), "INVALID_CONFIG"],
  ["port 65,536", configured("listeners.client.port=65536"), "INVALID_CONFIG"],
];

/** What comes to the port for brokers. */
export const PEERS = section("peers", PEER_ROWS);
/** Addresses in a configuration. */
export const ADDRESSES = section("addresses", ADDRESS_ROWS);

import type { ConfiguredLimit } from "./limit.ts";

/** Beginning of a claim in `configured.test.ts`, which has a broker for each. */
const here = (setting: string): ConfiguredLimit["proof"] => ({
  file: "test/limits/configured.test.ts",
  claim: `"${setting}: `,
});

type Row = readonly [setting: string, beyond: string, file?: string, claim?: string];

const ROWS: readonly Row[] = [
  ["max.connections", "the connection is closed as it comes"],
  ["max.connections.per.ip", "the connection is closed as it comes"],
  ["connection.handshake.timeout.ms", "the connection is closed"],
  ["connections.max.idle.ms", "the connection is closed; clients open another when they need it"],
  [
    "connection.max.age.ms",
    "streams end with BROKER_NOT_AVAILABLE, the connection is closed; clients open another",
  ],
  ["connection.keepalive.interval.ms", "the client is asked"],
  ["connection.keepalive.timeout.ms", "the connection is closed"],
  ["connection.max.streams", "the call waits at the client"],
  ["connection.max.header.bytes", "the call is refused"],
  [
    "connection.max.bytes",
    "answers wait; requests in part are refused: THROTTLED",
    "packages/broker/src/grpc/limits.test.ts",
    "refuses requests in part above the bound of a connection, and lets go of them",
  ],
  ["connections.max.bytes", "the same, and calls that stand still are ended after a second"],
  ["connection.stalled.timeout.ms", "the call is ended"],
  ["socket.request.max.bytes", "the call is refused: RESOURCE_EXHAUSTED"],
  [
    "produce.inflight.max.bytes",
    "produce streams are not read until answers have gone",
    "packages/broker/src/services/sessions.test.ts",
    "stops reading at its own bounds and at the broker's",
  ],
  ["request.timeout.ms", "the request is answered with what there is, or ends: REQUEST_TIMED_OUT"],
  ["metadata.max.topics", "INVALID_REQUEST"],
  ["peer.max.handshakes", "the connection is closed as it comes"],
  ["peer.handshake.timeout.ms", "the connection is closed"],
  [
    "peer.message.max.bytes",
    "the connection is closed before the message is read",
    "packages/raft-host/src/core/message-assembler.test.ts",
    "refuse a length of zero or beyond the limit before anything is stored",
  ],
  ["http.max.connections", "the connection is closed as it comes"],
  ["max.message.bytes", "MESSAGE_TOO_LARGE"],
  [
    "disk.reserve.bytes",
    "producers are refused until there is room: STORAGE_FULL",
    "test/full-disk/full-disk.test.ts",
    "refuses producers",
  ],
];

/** Limits with a setting, in the order of the page. */
export const CONFIGURED_LIMITS: readonly ConfiguredLimit[] = ROWS.map(
  ([setting, beyond, file, claim]) => ({
    setting,
    beyond,
    proof: file === undefined || claim === undefined ? here(setting) : { file, claim },
  }),
);

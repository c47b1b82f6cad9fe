import type { FuzzTarget } from "../target.ts";
import { batchTarget } from "./batches.ts";
import { commandTarget } from "./controller-commands.ts";
import { frameTarget } from "./frames.ts";
import { assemblerTarget, handshakeTarget, peerCallTarget } from "./peer-streams.ts";
import { raftBatchTarget } from "./raft-batches.ts";
import { requestTarget } from "./requests.ts";

/** Every decoder of bytes from strangers, as a pure function. */
export async function decoderTargets(): Promise<readonly FuzzTarget[]> {
  return [
    await batchTarget(),
    frameTarget(),
    requestTarget(),
    raftBatchTarget(),
    handshakeTarget(),
    assemblerTarget(),
    peerCallTarget(),
    commandTarget(),
  ];
}

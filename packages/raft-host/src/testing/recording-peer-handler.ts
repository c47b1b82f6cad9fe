import type { BrokerId } from "@stratalog/base";
import type {
  Lane,
  PeerDownReason,
  PeerHandler,
  PeerHello,
  PeerMessageKind,
} from "../ports/peer-link.ts";

/** What a recording handler saw, in order. */
export type PeerEvent =
  | { readonly type: "up"; readonly peer: BrokerId; readonly hello: PeerHello }
  | { readonly type: "down"; readonly peer: BrokerId; readonly reason: PeerDownReason }
  | { readonly type: "drained"; readonly peer: BrokerId; readonly lane: Lane }
  | {
      readonly type: "message";
      readonly peer: BrokerId;
      readonly lane: Lane;
      readonly kind: PeerMessageKind;
      readonly payload: Uint8Array;
    };

/** Keeps everything that a peer link delivers. */
export class RecordingPeerHandler implements PeerHandler {
  readonly events: PeerEvent[] = [];
  /** Every hello that was shown for approval. */
  readonly hellos: PeerHello[] = [];
  /** Answer to every hello: a text refuses. */
  refusal: string | undefined;
  /** Thrown by the next message's handler. */
  messageError: Error | undefined;

  onMessage(peer: BrokerId, lane: Lane, kind: PeerMessageKind, payload: Uint8Array): void {
    this.events.push({ type: "message", peer, lane, kind, payload });
    const error = this.messageError;
    this.messageError = undefined;
    if (error !== undefined) throw error;
  }

  onPeerUp(peer: BrokerId, hello: PeerHello): void {
    this.events.push({ type: "up", peer, hello });
  }

  onPeerDown(peer: BrokerId, reason: PeerDownReason): void {
    this.events.push({ type: "down", peer, reason });
  }

  onDrained(peer: BrokerId, lane: Lane): void {
    this.events.push({ type: "drained", peer, lane });
  }

  checkHello(hello: PeerHello): string | undefined {
    this.hellos.push(hello);
    return this.refusal;
  }

  messages(lane: Lane): readonly Uint8Array[] {
    const found: Uint8Array[] = [];
    for (const event of this.events) {
      if (event.type === "message" && event.lane === lane) found.push(event.payload);
    }
    return found;
  }

  downReasons(): readonly PeerDownReason[] {
    return this.events.flatMap((event) => (event.type === "down" ? [event.reason] : []));
  }
}

import type { Lane } from "@stratalog/raft-host";

/** A message on its way. */
export interface SimMessage {
  readonly lane: Lane;
  readonly kind: number;
  readonly payload: Uint8Array;
}

/** One lane of a connection. */
export interface SimLane {
  bytesInFlight: number;
  /** Messages arrive in the order in which they were sent: none before this time. */
  lastArrivalMs: number;
  isBlocked: boolean;
}

/** What one broker dials to another one: up or not, and what travels on it. */
export class SimConnection {
  readonly from: number;
  readonly to: number;
  state: "down" | "up" = "down";
  /** Number of the current connection; what belongs to an older one never arrives. */
  epoch = 0;
  /** Number of the current attempt to connect; what belongs to an older one has no effect. */
  attempt = 0;
  readonly control: SimLane = createLane();
  readonly bulk: SimLane = createLane();
  /** Sent while the path was cut: arrives once it is whole again, unless the connection breaks. */
  held: SimMessage[] = [];

  constructor(from: number, to: number) {
    this.from = from;
    this.to = to;
  }

  lane(lane: Lane): SimLane {
    return lane === "control" ? this.control : this.bulk;
  }

  /** Opens a new connection in place of whatever was there. */
  open(): void {
    this.#forget();
    this.state = "up";
  }

  /** Ends the connection; what is on its way is lost. */
  break(): void {
    this.#forget();
    this.state = "down";
  }

  #forget(): void {
    this.epoch++;
    this.held = [];
    Object.assign(this.control, createLane());
    Object.assign(this.bulk, createLane());
  }
}

function createLane(): SimLane {
  return { bytesInFlight: 0, lastArrivalMs: 0, isBlocked: false };
}

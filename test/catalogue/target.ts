import { once } from "node:events";
import type { ClientHttp2Session } from "node:http2";
import { createConnection, type Socket } from "node:net";
import { openSession } from "../fuzz/live/raw-client.ts";

/** Where a broker listens. */
export interface TargetPorts {
  readonly client: number;
  readonly peer: number;
  readonly http: number;
}

/** The broker that attacks are carried out at, and what they keep open there. */
export class Target {
  readonly ports: TargetPorts;
  readonly clusterId: string;
  readonly #held = new Set<() => void>();

  constructor(ports: TargetPorts, clusterId: string) {
    this.ports = ports;
    this.clusterId = clusterId;
  }

  /** An HTTP/2 connection to the client port that knows the broker's settings, until `release`. */
  async session(): Promise<ClientHttp2Session> {
    const session = openSession(`127.0.0.1:${this.ports.client}`);
    this.#held.add(() => session.destroy());
    await once(session, "remoteSettings");
    return session;
  }

  /** A connection of bare TCP from one of loopback's addresses, until `release`. */
  socket(port: keyof TargetPorts, localAddress = "127.0.0.1"): Socket {
    const socket = createConnection({ host: "127.0.0.1", port: this.ports[port], localAddress });
    // How it ends is looked at; why does not matter.
    socket.on("error", () => {});
    this.#held.add(() => socket.destroy());
    return socket;
  }

  /** Lets go of everything that attacks keep open. */
  release(): void {
    for (const close of this.#held) close();
    this.#held.clear();
  }
}

import { createServer } from "node:net";
import { CodedError } from "@stratalog/base";
import { type BrokerPlan, type ClusterPlan, LOOPBACK } from "./dev-directory.ts";

/**
 * The ports that broker `id` has when nothing is in the way. 9092 stays free for Kafka's protocol.
 */
export function usualPorts(id: number): BrokerPlan {
  return { id, clientPort: 9095 + 10 * id, peerPort: 9093 + 10 * id, httpPort: 9644 + 10 * id };
}

/**
 * Binds a port on loopback for a moment: resolves to its number, or to undefined when it is taken.
 * 0: any.
 */
function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => {
      const address = server.address();
      const bound = typeof address === "object" && address !== null ? address.port : port;
      server.close(() => resolve(bound));
    });
  });
}

async function freePort(wanted: number, taken: Set<number>): Promise<number> {
  for (const candidate of [wanted, 0, 0, 0, 0]) {
    const port = taken.has(candidate) ? undefined : await tryPort(candidate);
    if (port !== undefined && !taken.has(port)) {
      taken.add(port);
      return port;
    }
  }
  throw new CodedError("ADDRESS_IN_USE", `no free port on ${LOOPBACK} instead of ${wanted}`);
}

/** The plan with every port that is taken replaced by a free one. */
export async function withFreePorts(brokers: readonly BrokerPlan[]): Promise<ClusterPlan> {
  const taken = new Set<number>();
  const free: BrokerPlan[] = [];
  for (const broker of brokers) {
    free.push({
      id: broker.id,
      clientPort: await freePort(broker.clientPort, taken),
      peerPort: await freePort(broker.peerPort, taken),
      httpPort: await freePort(broker.httpPort, taken),
    });
  }
  return { version: 1, brokers: free };
}

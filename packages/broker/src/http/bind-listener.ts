import type { Server } from "node:net";
import { CodedError, type Logger } from "@stratalog/base";

/** Where to listen. */
export interface ListenAddress {
  /** Host name or address. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/**
 * Binds a server; resolves with its port. Rejects with ADDRESS_IN_USE, or with INVALID_CONFIG for
 * an address that cannot be bound. What goes wrong later (no file descriptor for one more
 * connection) is logged and ends nothing.
 */
export function bindListener(
  server: Server,
  options: ListenAddress & { readonly logger: Logger },
): Promise<number> {
  const { host, port, logger } = options;
  return new Promise((resolve, reject) => {
    let isBound = false;
    server.on("error", (error) => {
      if (isBound) logger.warn({ err: error, host, port }, "a connection could not be accepted");
      else reject(bindError(error, { host, port }));
    });
    server.listen({ host, port }, () => {
      isBound = true;
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

function bindError(error: Error, address: ListenAddress): CodedError {
  const { host, port } = address;
  const where = `${host}:${port}`;
  const details = { host, port };
  if ("code" in error && error.code === "EADDRINUSE") {
    const message = `${where} is taken by another process; stop it or choose another port`;
    return new CodedError("ADDRESS_IN_USE", message, { details, cause: error });
  }
  const message = `cannot listen on ${where}: ${error.message}`;
  return new CodedError("INVALID_CONFIG", message, { details, cause: error });
}

import { Socket } from "node:net";

/** Who reads a socket: gives memory, and hears how much of it was filled. */
export interface SocketReading {
  /** Where the next bytes go; never empty. */
  target(): Uint8Array;
  /** `count` bytes are at the beginning of the target. */
  filled(count: number): void;
}

/** The part of Node's handle of a connection that is used here. */
interface Handle {
  useUserBuffer(memory: Uint8Array): void;
}

/**
 * Reads an accepted connection into the reader's memory and gives the socket to use from here on.
 * Node does this for sockets that dial (`onread`) and not for those that a server accepts, which
 * get fresh memory for each 64 KiB, joined afterwards. So this moves the connection's handle, a
 * private field, into a socket of its own. It looks before it touches: where the field is missing,
 * and with TLS, the bytes are copied as they come.
 */
export function readSocket(accepted: Socket, reading: SocketReading): Socket {
  const handle = handleOf(accepted);
  if (handle === undefined) {
    accepted.on("data", (chunk: Uint8Array) => copyInto(reading, chunk));
    return accepted;
  }
  // The types do not have the option; Node's own cluster module uses it the same way.
  const options = {
    handle,
    onread: {
      buffer: (): Uint8Array => reading.target(),
      callback: (count: number): boolean => {
        reading.filled(count);
        return true;
      },
    },
  } as unknown as ConstructorParameters<typeof Socket>[0];
  Object.assign(accepted, { _handle: null });
  // Without its handle it closes nothing; the server counts it as gone.
  accepted.destroy();
  return new Socket(options);
}

function copyInto(reading: SocketReading, chunk: Uint8Array): void {
  let position = 0;
  while (position < chunk.length) {
    const target = reading.target();
    const part = chunk.subarray(position, position + target.length);
    target.set(part);
    reading.filled(part.length);
    position += part.length;
  }
}

/** The handle of a plain TCP connection from which nothing was read yet. */
function handleOf(socket: Socket): Handle | undefined {
  if (socket.constructor !== Socket || socket.bytesRead > 0) return undefined;
  // A private field is out of the type's sight; what comes back is looked at as unknown.
  const handle = (socket as unknown as { readonly _handle?: unknown })._handle;
  return isHandle(handle) ? handle : undefined;
}

function isHandle(value: unknown): value is Handle {
  return (
    typeof value === "object" &&
    value !== null &&
    "useUserBuffer" in value &&
    typeof value.useUserBuffer === "function"
  );
}

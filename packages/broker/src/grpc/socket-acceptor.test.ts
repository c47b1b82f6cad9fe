import { once } from "node:events";
import { type AddressInfo, connect, type Socket } from "node:net";
import { silentLogger } from "@stratalog/base";
import { expect, it, onTestFinished, vi } from "vitest";
import { HANDSHAKES_MAX, type ListenerTls, SocketAcceptor } from "./socket-acceptor.ts";

/** Without a certificate nobody comes through, but shaking hands begins. */
const TLS: ListenerTls = {
  current: {},
  requiresClientCertificate: false,
  onChange: () => () => {},
};

it("turns one more away while HANDSHAKES_MAX have not ended", async () => {
  let admittedCount = 0;
  const acceptor = new SocketAcceptor({
    tls: TLS,
    logger: silentLogger,
    handshakeTimeoutMs: 60_000,
    admit: () => ++admittedCount > 0,
    accept: () => {},
  });
  onTestFinished(() => acceptor.close());
  acceptor.server.listen(0, "127.0.0.1");
  await once(acceptor.server, "listening");
  const { port } = acceptor.server.address() as AddressInfo;
  const dial = async (): Promise<Socket> => {
    const socket = connect(port, "127.0.0.1").resume();
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  };
  const closed = (socket: Socket): Promise<unknown> =>
    socket.closed ? Promise.resolve() : once(socket, "close");

  const silent: Socket[] = [];
  for (let count = 0; count < HANDSHAKES_MAX; count++) silent.push(await dial());
  await closed(await dial());
  expect(admittedCount).toBe(HANDSHAKES_MAX);
  expect(silent.filter((socket) => socket.closed)).toHaveLength(0);

  silent[0]?.destroy();
  await vi.waitFor(async () => {
    await dial();
    expect(admittedCount).toBe(HANDSHAKES_MAX + 1);
  });
});

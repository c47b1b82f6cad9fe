import type { Server } from "@grpc/grpc-js";
import { isObject, privateField } from "./grpc-internals.ts";

/** Sizes that the server announces, bytes. */
export interface Http2Settings {
  /** What one stream may send before the server reads it. */
  readonly streamWindowBytes: number;
  /** What one connection may send before the server reads it. */
  readonly connectionWindowBytes: number;
  /** Bytes of the headers of one call. */
  readonly headerListBytes: number;
}

/** Default sizes: a window of 64 KiB would cap a producer at 64 KiB per round trip. */
export const HTTP2_SETTINGS: Http2Settings = {
  streamWindowBytes: 4 * 1024 * 1024,
  connectionWindowBytes: 8 * 1024 * 1024,
  headerListBytes: 16 * 1024,
};

/** The part of a Node HTTP/2 session that is used here. */
export interface Http2Session {
  setLocalWindowSize(bytes: number): void;
  once(event: "localSettings" | "close", listener: () => void): unknown;
  /** Says goodbye, takes no more calls, and is closed when those that are open have ended. */
  close(): void;
  destroy(): void;
  readonly destroyed: boolean;
}

/** A Node HTTP/2 server, in the part that is used here. */
interface Http2Server {
  on(event: "session", listener: (session: Http2Session) => void): unknown;
}

/**
 * grpc-js offers no setting for a server's receive windows, so this reaches for two of its private
 * fields. Everything here looks before it touches: with a version that lacks the fields the server
 * works, slower for producers far away, and the answer is false. A test holds the installed version
 * to true.
 *
 * Call it after the server was made and before its listeners are.
 */
export function raiseWindows(server: Server, settings: Http2Settings): boolean {
  const options = privateField(server, "commonServerOptions");
  if (!isObject(options)) return false;
  const known = isObject(options["settings"]) ? options["settings"] : {};
  options["settings"] = {
    ...known,
    initialWindowSize: settings.streamWindowBytes,
    maxHeaderListSize: settings.headerListBytes,
  };
  return true;
}

/**
 * Calls back for each connection of the server's listeners so far; false when this version does not
 * let us.
 */
export function onSession(server: Server, listener: (session: Http2Session) => void): boolean {
  const servers = privateField(server, "http2Servers");
  if (!(servers instanceof Map) || servers.size === 0) return false;
  for (const http2Server of servers.keys() as Iterable<unknown>) {
    if (!isHttp2Server(http2Server)) return false;
    http2Server.on("session", listener);
  }
  return true;
}

function isHttp2Server(value: unknown): value is Http2Server {
  return isObject(value) && typeof value["on"] === "function";
}

import type { SecureClientSessionOptions } from "node:http2";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import { type ChannelCredentials, type ChannelOptions, credentials } from "@grpc/grpc-js";
import { CodedError } from "@stratalog/base";

/** Encryption of a client's connections. Contents in PEM, not paths. */
export interface ClientTls {
  /** Authorities that brokers must be signed by. Default: those of Node. */
  readonly ca?: string | Uint8Array;
  /** This client's certificate, for brokers that ask for one; with `key`. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** Name that the brokers' certificates have. Default: the host of each broker's address. */
  readonly serverName?: string;
}

/** What a channel is made with. */
export interface ChannelSecurity {
  readonly credentials: ChannelCredentials;
  readonly channelOptions: ChannelOptions;
  /** The same for a connection without the library. */
  readonly tls: SecureClientSessionOptions;
}

/** How a broker at an address, "host:port", is spoken to. */
export type SecurityOf = (address: string) => ChannelSecurity;

/**
 * Sent in place of the host where that is an IP address, which TLS does not send: the library would
 * send it all the same, and Node warns of that (DEP0123).
 */
const NO_NAME = "brokers.invalid";

/**
 * TLS to every broker, which speak 1.3 alone; `true` is encryption with Node's authorities. Throws
 * INVALID_CONFIG for what is not PEM or does not fit together.
 */
export function channelSecurity(tls: true | ClientTls): SecurityOf {
  const { ca, cert, key, serverName } = tls === true ? {} : tls;
  if ((cert === undefined) !== (key === undefined)) {
    throw new CodedError("INVALID_CONFIG", "tls.cert and tls.key belong together: set both");
  }
  let byName: ChannelCredentials;
  try {
    byName = credentials.createSsl(pem(ca), pem(key), pem(cert));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CodedError("INVALID_CONFIG", `tls is not usable: ${reason}`, { cause: error });
  }
  const options = {
    ...(ca !== undefined && { ca: Buffer.from(ca) }),
    ...(cert !== undefined && { cert: Buffer.from(cert) }),
    ...(key !== undefined && { key: Buffer.from(key) }),
  };
  if (serverName !== undefined) {
    const channelOptions = { "grpc.ssl_target_name_override": serverName };
    const named = {
      credentials: byName,
      channelOptions,
      tls: { ...options, servername: serverName },
    };
    return () => named;
  }
  return (address) => {
    const host = hostOf(address);
    if (isIP(host) === 0) return { credentials: byName, channelOptions: {}, tls: options };
    const byAddress = credentials.createSsl(pem(ca), pem(key), pem(cert), {
      checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
    });
    const channelOptions = { "grpc.ssl_target_name_override": NO_NAME };
    return { credentials: byAddress, channelOptions, tls: options };
  };
}

/** The host of "host:port", without the brackets of an IPv6 address. */
function hostOf(address: string): string {
  const host = address.slice(0, address.lastIndexOf(":"));
  return host.startsWith("[") ? host.slice(1, -1) : host;
}

function pem(contents: string | Uint8Array | undefined): Buffer | null {
  return contents === undefined ? null : Buffer.from(contents);
}

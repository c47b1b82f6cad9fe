import type { SecureClientSessionOptions } from "node:http2";
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

/**
 * TLS to every broker, which speak 1.3 alone; `true` is encryption with Node's authorities. Throws
 * INVALID_CONFIG for what is not PEM or does not fit together.
 */
export function channelSecurity(tls: true | ClientTls): ChannelSecurity {
  const { ca, cert, key, serverName } = tls === true ? {} : tls;
  if ((cert === undefined) !== (key === undefined)) {
    throw new CodedError("INVALID_CONFIG", "tls.cert and tls.key belong together: set both");
  }
  let secrets: ChannelCredentials;
  try {
    secrets = credentials.createSsl(pem(ca), pem(key), pem(cert));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CodedError("INVALID_CONFIG", `tls is not usable: ${reason}`, { cause: error });
  }
  return {
    credentials: secrets,
    channelOptions: serverName === undefined ? {} : { "grpc.ssl_target_name_override": serverName },
    tls: {
      ...(ca !== undefined && { ca: Buffer.from(ca) }),
      ...(cert !== undefined && { cert: Buffer.from(cert) }),
      ...(key !== undefined && { key: Buffer.from(key) }),
      ...(serverName !== undefined && { servername: serverName }),
    },
  };
}

function pem(contents: string | Uint8Array | undefined): Buffer | null {
  return contents === undefined ? null : Buffer.from(contents);
}

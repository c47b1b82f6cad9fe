import {
  type ChannelCredentials,
  type ChannelOptions,
  type Client,
  credentials,
  makeGenericClientConstructor,
} from "@grpc/grpc-js";
import { type ServiceName, type Services, serviceDefinition } from "./definitions.ts";
import type { ServiceClient } from "./method.ts";

/** Where and how a client connects. */
export interface DialOptions {
  /** "host:port". */
  readonly address: string;
  /** Default: no encryption. */
  readonly credentials?: ChannelCredentials;
  /** Over {@link CLIENT_CHANNEL_OPTIONS}. */
  readonly channelOptions?: ChannelOptions;
}

const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/**
 * What a channel to a broker should be set to; each line answers a trap of the library's defaults.
 */
export const CLIENT_CHANNEL_OPTIONS: ChannelOptions = {
  // Retries copy messages into a buffer and hide back-pressure; the client retries by itself, where
  // it knows what is safe.
  "grpc.enable_retries": 0,
  "grpc.enable_channelz": 0,
  // HTTP/2's default of 64 KiB per round trip starves a fetch.
  "grpc-node.flow_control_window": 8 * 1024 * 1024,
  "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
  "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  "grpc.keepalive_permit_without_calls": 1,
  "grpc.initial_reconnect_backoff_ms": 50,
  "grpc.min_reconnect_backoff_ms": 50,
  "grpc.max_reconnect_backoff_ms": 1_000,
  // A connection of its own for each client, so that bulk and control do not queue behind each
  // other.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.service_config_disable_resolution": 1,
};

const constructors = new Map<ServiceName, ReturnType<typeof makeGenericClientConstructor>>();

/** A client of one service of a broker; `close()` when done. Dials at the first call. */
export function createServiceClient<Name extends ServiceName>(
  name: Name,
  options: DialOptions,
): ServiceClient<Services[Name]> {
  let constructor = constructors.get(name);
  if (constructor === undefined) {
    constructor = makeGenericClientConstructor(serviceDefinition(name), name);
    constructors.set(name, constructor);
  }
  const channelOptions = { ...CLIENT_CHANNEL_OPTIONS, ...options.channelOptions };
  const secrets = options.credentials ?? credentials.createInsecure();
  const client: Client = new constructor(options.address, secrets, channelOptions);
  // The constructor made the methods from the same definition that the service's type is generated
  // from.
  return client as ServiceClient<Services[Name]>;
}

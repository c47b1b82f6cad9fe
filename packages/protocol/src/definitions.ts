import type { ServiceDefinition } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";
import type { MessageTypeDefinition, PackageDefinition } from "@grpc/proto-loader";
import { assert } from "@stratalog/base";
import type { AdminService } from "./gen/admin.ts";
import { DESCRIPTOR_SET_BASE64 } from "./gen/descriptor-set.ts";
import type { FetchService } from "./gen/fetch.ts";
import type { GroupService } from "./gen/groups.ts";
import type { MetadataService } from "./gen/metadata.ts";
import type { ProduceService } from "./gen/produce.ts";
import { Malformed } from "./malformed.ts";
import type { Input } from "./method.ts";

/** The protobuf package of every service. */
export const PROTOBUF_PACKAGE = "stratalog.v1";

/** All services, by their names in the .proto files. */
export interface Services {
  readonly ProduceService: ProduceService;
  readonly FetchService: FetchService;
  readonly MetadataService: MetadataService;
  readonly AdminService: AdminService;
  readonly GroupService: GroupService;
}

/** Name of a service. */
export type ServiceName = keyof Services;

/**
 * 64-bit integers become numbers: one above 2^53 is rounded, but never to a safe integer, so that
 * the checks of
 * `wire-number.ts` refuse it. Bytes stay views of the message that they came in.
 */
const LOADER_OPTIONS = { longs: Number, enums: String, defaults: true, oneofs: true } as const;

/** Everything in the .proto files. */
export const packageDefinition: PackageDefinition = loadFileDescriptorSetFromBuffer(
  Buffer.from(DESCRIPTOR_SET_BASE64, "base64"),
  LOADER_OPTIONS,
);

/**
 * What the reflection service wants to see. Every message of the package carries the descriptors of
 * all files, and that service decodes what each carries: one message for each set of files says the
 * same, and a broker starts in half the time.
 */
export function reflectionDefinition(): PackageDefinition {
  const seen = new Set<unknown>();
  const few = Object.entries(packageDefinition).filter(([, definition]) => {
    const files =
      "fileDescriptorProtos" in definition ? definition.fileDescriptorProtos : undefined;
    if (files === undefined || seen.has(files)) return false;
    seen.add(files);
    return true;
  });
  return Object.fromEntries(few);
}

/** The library's definition of a service, for clients and for adding it to a server. */
export function serviceDefinition(name: ServiceName): ServiceDefinition {
  const definition = packageDefinition[`${PROTOBUF_PACKAGE}.${name}`];
  assert(definition !== undefined && !("format" in definition), `service ${name} is not defined`);
  // Both packages declare the same structure; the loader's types leave out what only the library
  // reads.
  return definition as ServiceDefinition;
}

/** The same for a server of ours: malformed requests are values, see {@link Malformed}. */
export function serverDefinition(name: ServiceName): ServiceDefinition {
  const methods = Object.entries(serviceDefinition(name)).map(([key, method]) => {
    const requestDeserialize = (bytes: Buffer): unknown => {
      try {
        return method.requestDeserialize(bytes);
      } catch (error) {
        return new Malformed(error instanceof Error ? error.message : String(error));
      }
    };
    return [key, { ...method, requestDeserialize }] as const;
  });
  return Object.fromEntries(methods);
}

/** Encoder and decoder of one message outside a call. */
export interface MessageCodec<Message> {
  encode(message: Input<Message>): Buffer;
  /** Throws when the bytes are not such a message. */
  decode(bytes: Buffer): Message;
}

/**
 * The codec of a message by its name in the .proto files. The caller names the generated type that
 * belongs to it.
 */
export function messageCodec<Message>(name: string): MessageCodec<Message> {
  const definition = packageDefinition[`${PROTOBUF_PACKAGE}.${name}`];
  assert(definition !== undefined && "serialize" in definition, `message ${name} is not defined`);
  // The loader types every message as a plain object; the generated type is held equal to it by a
  // test.
  const codec = definition as unknown as MessageTypeDefinition<Input<Message>, Message>;
  return { encode: codec.serialize, decode: codec.deserialize };
}

import {
  fromWireError,
  messageCodec,
  type ServiceName,
  serviceDefinition,
  toWireError,
  type WireError,
} from "@stratalog/protocol";
import { CodedError } from "@stratalog/base";

/** Bytes of a method's messages. */
export interface MethodCodec {
  requestThrough(message: unknown): unknown;
  responseThrough(message: unknown): unknown;
}

const errorCodec = messageCodec<WireError>("Error");

/**
 * What the other side sees of a message: encoded and decoded, so that defaults, views and lost
 * precision are as over a socket. Undefined for a name that the contract lacks.
 */
export function methodCodec(service: ServiceName, name: string): MethodCodec | undefined {
  const methods = Object.values(serviceDefinition(service));
  const method = methods.find((candidate) => candidate.originalName === name);
  if (method === undefined) return undefined;
  return {
    requestThrough: (message) => method.requestDeserialize(method.requestSerialize(message)),
    responseThrough: (message) => method.responseDeserialize(method.responseSerialize(message)),
  };
}

/** What the other side sees of an error. */
export function errorThrough(error: unknown): CodedError {
  return fromWireError(errorCodec.decode(errorCodec.encode(toWireError(error))));
}

/** A method that the contract lacks. */
export function unknownMethod(service: string, name: string): CodedError {
  return new CodedError("UNSUPPORTED_VERSION", `there is no method ${service}.${name}`);
}

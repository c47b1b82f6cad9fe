export {
  type MessageCodec,
  messageCodec,
  PROTOBUF_PACKAGE,
  packageDefinition,
  reflectionDefinition,
  type ServiceName,
  type Services,
  serverDefinition,
  serviceDefinition,
} from "./definitions.ts";
export { CLIENT_CHANNEL_OPTIONS, createServiceClient, type DialOptions } from "./dial.ts";
export type * from "./gen/admin.ts";
export type * from "./gen/error.ts";
export type * from "./gen/fetch.ts";
export type * from "./gen/groups.ts";
export type * from "./gen/metadata.ts";
export type {
  AppendResult,
  BatchAppend,
  Acks as WireAcks,
  ProduceRequest,
  ProduceResponse,
  ProduceService,
  ProduceStreamRequest,
  ProduceStreamResponse,
} from "./gen/produce.ts";
export type * from "./gen/record.ts";
export { Malformed } from "./malformed.ts";
export type {
  BidiMethod,
  Input,
  ServiceClient,
  UnaryMethod,
} from "./method.ts";
export { encodeProduceParts } from "./produce-message.ts";
export {
  type CallStatus,
  ERROR_METADATA_KEY,
  fromCallError,
  fromWireError,
  statusOf,
  toCallStatus,
  toWireError,
} from "./status.ts";
export { callUnary, type UnaryInvoke, type UnaryOptions } from "./unary-call.ts";
export { type Acks, acksFromWire, acksToWire } from "./wire-acks.ts";
export {
  checkCount,
  epochFromWire,
  invalidRequest,
  type NumberRule,
  numberFromWire,
  offsetFromWire,
  safeInteger,
} from "./wire-number.ts";
export {
  type RecordHeader,
  type RecordToAppend,
  type RecordToSend,
  recordFromAnswer,
  recordFromWire,
  recordToWire,
} from "./wire-record.ts";

import type {
  CallOptions,
  Client,
  ClientDuplexStream,
  ClientUnaryCall,
  Metadata,
  ServiceError,
} from "@grpc/grpc-js";

/**
 * What may be handed to the encoder for a message: every field may be left out, which is its
 * default. The generated interfaces say what the decoder gives back: scalars always there, absent
 * messages null, absent optionals undefined.
 */
export type Input<T> = T extends string | number | boolean | Uint8Array | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Input<Item>[]
    : { readonly [Field in keyof T]?: Input<T[Field]> | undefined };

/** A call with one request and one response. Types only; no value of it exists. */
export interface UnaryMethod<Request, Response> {
  readonly kind: "unary";
  readonly request: Request;
  readonly response: Response;
}

/** A call with a stream each way. Types only; no value of it exists. */
export interface BidiMethod<Request, Response> {
  readonly kind: "bidi";
  readonly request: Request;
  readonly response: Response;
}

/** A client's side of a method. */
type ClientMethod<Method> =
  Method extends UnaryMethod<infer Request, infer Response>
    ? (
        request: Input<Request>,
        metadata: Metadata,
        options: CallOptions,
        callback: (error: ServiceError | null, response?: Response) => void,
      ) => ClientUnaryCall
    : Method extends BidiMethod<infer Request, infer Response>
      ? (metadata?: Metadata, options?: CallOptions) => ClientDuplexStream<Input<Request>, Response>
      : never;

/** A grpc-js client of one of the generated service interfaces. */
export type ServiceClient<Service> = Client & {
  readonly [Name in keyof Service]: ClientMethod<Service[Name]>;
};

/**
 * Who is at the other end of a connection: one for as long as it is open. Nothing is decided by it
 * yet; what will be decided is decided by this alone.
 */
export type Principal =
  | { readonly kind: "anonymous" }
  | {
      /** It showed a certificate of an authority that the listener trusts. */
      readonly kind: "certificate";
      /** The certificate's subject, for example "CN=billing,O=Example". */
      readonly subject: string;
    };

/** Whoever showed nothing. */
export const ANONYMOUS: Principal = { kind: "anonymous" };

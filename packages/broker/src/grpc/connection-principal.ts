import type { PeerCertificate } from "node:tls";
import { ANONYMOUS, type Principal } from "../services/principal.ts";

/** A call, as far as it says who made it. */
export interface AuthenticatedCall {
  getAuthContext(): { readonly sslPeerCertificate?: PeerCertificate };
}

/** Who made a call: the subject of the certificate that its connection showed, or nobody known. */
export function principalOf(call: AuthenticatedCall): Principal {
  const certificate = call.getAuthContext().sslPeerCertificate;
  if (certificate === undefined) return ANONYMOUS;
  const parts = Object.entries(certificate.subject).flatMap(([name, value]) =>
    // A name may stand more than once, which the type does not say.
    [value as string | readonly string[]].flat().map((text) => `${name}=${text}`),
  );
  return { kind: "certificate", subject: parts.join(",") };
}

import type { PeerCertificate } from "node:tls";
import { describe, expect, it } from "vitest";
import { principalOf } from "./connection-principal.ts";

function callWith(subject: Record<string, string | string[]> | undefined) {
  // Of a certificate only its subject is looked at.
  const sslPeerCertificate = { subject } as unknown as PeerCertificate;
  return { getAuthContext: () => (subject === undefined ? {} : { sslPeerCertificate }) };
}

describe("principalOf", () => {
  it("is the subject of the connection's certificate, every name of it", () => {
    const principal = principalOf(callWith({ O: "Example", OU: ["a", "b"], CN: "billing" }));
    expect(principal).toEqual({
      kind: "certificate",
      subject: "O=Example,OU=a,OU=b,CN=billing",
    });
  });

  it("is anonymous without one", () => {
    expect(principalOf(callWith(undefined))).toEqual({ kind: "anonymous" });
  });
});

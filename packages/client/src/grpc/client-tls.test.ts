import { describe, expect, it } from "vitest";
import { channelSecurity } from "./client-tls.ts";

describe("channelSecurity", () => {
  it("refuses what is not PEM, and a certificate without its key", () => {
    const refused = expect.objectContaining({ code: "INVALID_CONFIG" });
    expect(() => channelSecurity({ cert: "c" })).toThrow(refused);
    expect(() => channelSecurity({ cert: "no certificate", key: "no key" })).toThrow(refused);
  });

  it("tells the channel the name that certificates have", () => {
    const named = channelSecurity({ serverName: "brokers.test" });
    for (const address of ["a.test:1", "127.0.0.1:1"]) {
      const { channelOptions, tls } = named(address);
      expect(channelOptions).toEqual({ "grpc.ssl_target_name_override": "brokers.test" });
      expect(tls.servername).toBe("brokers.test");
    }
    expect(channelSecurity(true)("a.test:1").channelOptions).toEqual({});
  });

  it("sends no IP address as a name", () => {
    for (const address of ["127.0.0.1:9095", "[::1]:9095"]) {
      const { channelOptions, tls } = channelSecurity(true)(address);
      expect(channelOptions).toEqual({ "grpc.ssl_target_name_override": "brokers.invalid" });
      expect(tls.servername).toBeUndefined();
    }
  });
});

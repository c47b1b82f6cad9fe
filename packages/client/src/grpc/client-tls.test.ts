import { describe, expect, it } from "vitest";
import { channelSecurity } from "./client-tls.ts";

describe("channelSecurity", () => {
  it("refuses what is not PEM, and a certificate without its key", () => {
    const refused = expect.objectContaining({ code: "INVALID_CONFIG" });
    expect(() => channelSecurity({ cert: "c" })).toThrow(refused);
    expect(() => channelSecurity({ cert: "no certificate", key: "no key" })).toThrow(refused);
  });

  it("tells the channel the name that certificates have", () => {
    expect(channelSecurity({ serverName: "brokers.test" }).channelOptions).toEqual({
      "grpc.ssl_target_name_override": "brokers.test",
    });
    expect(channelSecurity(true).channelOptions).toEqual({});
  });
});

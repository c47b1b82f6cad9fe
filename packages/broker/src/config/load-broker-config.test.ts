import { CodedError } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import { configReference } from "./config-reference.ts";
import { environmentName, readConfigFile } from "./config-sources.ts";
import { type ConfigSources, loadBrokerConfig } from "./load-broker-config.ts";
import { nearestName } from "./nearest-name.ts";
import { parseSeed } from "./seed.ts";
import { SETTING_NAMES } from "./settings.ts";

const required = ["node.id=2", "data.dir=data/2"];

function file(text: string) {
  return { path: "broker.yaml", text };
}

function refusal(sources: ConfigSources): string {
  try {
    loadBrokerConfig(sources);
  } catch (error) {
    expect(CodedError.is(error)).toBe(true);
    const { code, message } = CodedError.from(error);
    expect(code).toBe("INVALID_CONFIG");
    return message;
  }
  throw new Error("the configuration was accepted");
}

describe("loadBrokerConfig", () => {
  it("fills in the documented defaults, with ports from the node's number", () => {
    const config = loadBrokerConfig({ flags: required });
    expect(config.nodeId).toBe(2);
    expect(config.listeners.client).toMatchObject({ host: "127.0.0.1", port: 9115 });
    expect(config.listeners.peer.port).toBe(9113);
    expect(config.listeners.http.port).toBe(9664);
    expect(config.raft).toEqual({ heartbeatMs: 150, electionMs: 1500 });
    expect(config.groups.offsetsRetentionMs).toBe(7 * 86_400_000);
    expect(config.topicDefaults).toMatchObject({
      segmentBytes: 2 ** 30,
      retentionMs: -1,
      maxMessageBytes: 2 ** 20,
      replicationFactor: "auto",
    });
  });

  it("lets flags win over the environment, that over the file, that over defaults", () => {
    const text = "node.id: 1\ndata.dir: a\nlog.level: debug\nraft.heartbeat.ms: 100\nrack: 7\n";
    const config = loadBrokerConfig({
      file: file(text),
      environment: { STRATALOG_DATA_DIR: "b", STRATALOG_LOG_LEVEL: "warn", HOME: "/x" },
      flags: ["log.level=error"],
    });
    expect(config).toMatchObject({ nodeId: 1, dataDir: "b", logLevel: "error", rack: "7" });
    expect(config.raft).toEqual({ heartbeatMs: 100, electionMs: 1500 });
  });

  it("reads nested and dotted names alike, and lists of seeds from YAML or text", () => {
    const seeds = ["1@127.0.0.1:9103", "2@h:9113", "3@[::1]:9123"];
    const nested = `node: {id: 1}\ndata: {dir: a}\nlisteners: {client: {port: 0}}\nseeds:\n${seeds
      .map((seed) => `  - "${seed}"`)
      .join("\n")}`;
    const fromYaml = loadBrokerConfig({ file: file(nested) });
    const fromFlags = loadBrokerConfig({
      flags: ["node.id=1", "data.dir=a", "listeners.client.port=0", `seeds=${seeds.join(", ")}`],
    });
    expect(fromYaml).toEqual(fromFlags);
    expect(fromYaml.seeds[2]).toEqual({ brokerId: 3, host: "::1", port: 9123 });
    expect(fromYaml.listeners.client.port).toBe(0);
  });

  it("names an unknown key, where it stands, and the nearest known one", () => {
    const message = refusal({ file: file("listener.client.port: 1"), flags: required });
    expect(message).toContain('"listener.client.port" (broker.yaml)');
    expect(message).toContain('did you mean "listeners.client.port"?');
    expect(refusal({ environment: { STRATALOG_NODEID: "3" }, flags: required })).toContain(
      "environment variable STRATALOG_NODEID",
    );
    expect(refusal({ flags: [...required, "zzzzzzzzzz=1"] })).toContain("strata broker --settings");
  });

  it.each([
    ["raft.heartbeat.ms=fast", 'raft.heartbeat.ms is "fast" (flag --set raft.heartbeat.ms)'],
    ["node.id=0", "a whole number from 1 to 65535"],
    ["node.id=1.5", "a whole number from 1 to 65535"],
    ["insecure=maybe", "true or false"],
    ["log.level=loud", "one of debug, info, warn, error, silent"],
    ["seeds=1@nowhere", "a list of id@host:port"],
    ["seeds=1@a:1,2@b:2", "1, 3 or 5"],
    ["seeds=1@a:1,1@b:2,3@c:3", "names a broker twice"],
    ["raft.election.ms=200", "three times raft.heartbeat.ms"],
    ["listeners.peer.host=0.0.0.0", "insecure: true"],
    ["socket.request.max.bytes=65536", "at least max.message.bytes and 65536 more"],
    ["peer.message.max.bytes=1048576", "peer.message.max.bytes must be at least"],
    ["connection.max.bytes=1048576", "at least socket.request.max.bytes"],
    ["connections.max.bytes=1048576", "at least connection.max.bytes"],
    ["max.connections.per.ip=0", "a whole number from 1 to 100000"],
    ["listeners.client.tls.cert.file=a", "belong together"],
    ["listeners.client.tls.ca.file=a", "needs listeners.client.tls.cert.file"],
    ["listeners.external.advertised.host=a", "needs listeners.external.port"],
    ["node.id=6000", "set listeners.client.port"],
    ["data.dir=", "a text"],
  ])("refuses %s and says what is allowed", (flag, expected) => {
    expect(refusal({ flags: [...required, flag] })).toContain(expected);
  });

  it("tells all problems at once", () => {
    const message = refusal({ flags: ["node.id=x", "log.level=loud"] });
    expect(message).toContain("3 problems");
    expect(message).toContain("data.dir is missing");
  });

  it("refuses text that is not a YAML mapping, and a file that is not there", async () => {
    expect(refusal({ file: file("a: [") })).toContain("broker.yaml is not valid YAML");
    expect(refusal({ file: file("- 1") })).toContain("a mapping of settings");
    await expect(readConfigFile("does/not/exist.yaml")).rejects.toMatchObject({
      code: "INVALID_CONFIG",
    });
  });

  it("accepts listening beyond loopback when it is asked for by name", () => {
    const config = loadBrokerConfig({
      flags: [
        ...required,
        "listeners.client.host=0.0.0.0",
        "listeners.client.advertised.host=broker-2.test",
        "insecure=true",
      ],
    });
    expect(config.listeners.client.host).toBe("0.0.0.0");
  });
});

describe("listeners", () => {
  it.each([
    ["listeners.client.host=0.0.0.0", "clients would be told to connect to it"],
    ["listeners.client.host=::", "set listeners.client.advertised.host"],
    ["listeners.peer.host=0.0.0.0", "other brokers would be told"],
    ["listeners.client.advertised.host=0.0.0.0", "listeners.client.advertised.host 0.0.0.0"],
    ["listeners.client.host=0:0:0:0:0:0:0:0", "every address of this machine"],
  ])("say no address to others that is none: %s", (flag, expected) => {
    expect(refusal({ flags: [...required, "insecure=true", flag] })).toContain(expected);
    // A port that is closed is told to nobody, and operators are told nothing.
    const flags = ["insecure=true", "listeners.external.host=::", "listeners.http.host=0.0.0.0"];
    expect(() => loadBrokerConfig({ flags: [...required, ...flags] })).not.toThrow();
  });

  it("for operators may encrypt too", () => {
    const host = "listeners.http.host=0.0.0.0";
    expect(refusal({ flags: [...required, host] })).toContain("listeners.http.host");
    const { listeners } = loadBrokerConfig({ flags: [...required, host, ...tlsOf("http")] });
    expect(listeners.http.tls).toMatchObject({ certFile: "c.crt", clientAuth: "none" });
  });

  const tlsOf = (listener: string): string[] => [
    `listeners.${listener}.tls.cert.file=c.crt`,
    `listeners.${listener}.tls.key.file=c.key`,
  ];

  it("may be beyond loopback without more when they encrypt", () => {
    const host = "listeners.client.host=192.0.2.7";
    const { listeners } = loadBrokerConfig({ flags: [...required, host, ...tlsOf("client")] });
    expect(listeners.client.tls).toEqual({
      certFile: "c.crt",
      keyFile: "c.key",
      caFile: undefined,
      clientAuth: "none",
    });
    expect(listeners.external).toBeUndefined();
  });

  it("say whose certificates are accepted where certificates are asked for", () => {
    const asked = "listeners.client.tls.client.auth=required";
    for (const flags of [tlsOf("peer"), [...tlsOf("client"), asked]]) {
      expect(refusal({ flags: [...required, ...flags] })).toContain("tls.ca.file is missing");
    }
    const ca = "listeners.peer.tls.ca.file=ca.crt";
    const { listeners } = loadBrokerConfig({ flags: [...required, ...tlsOf("peer"), ca] });
    expect(listeners.peer.tls).toMatchObject({ caFile: "ca.crt", clientAuth: "required" });
  });
});

describe("names of settings", () => {
  it("map to environment variables one to one", () => {
    const variables = SETTING_NAMES.map(environmentName);
    expect(new Set(variables).size).toBe(SETTING_NAMES.length);
  });

  it("are all in the reference, with a meaning", () => {
    const lines = configReference().split("\n").slice(2);
    expect(lines).toHaveLength(SETTING_NAMES.length);
    for (const line of lines)
      expect(line).toMatch(/^\| `[a-z.]+` \| [^|]+ \| [^|]* \| [^|]{8,} \|/);
  });

  it("suggest only what is near", () => {
    expect(nearestName("node.ids", SETTING_NAMES)).toBe("node.id");
    expect(nearestName("completely-different", SETTING_NAMES)).toBeUndefined();
    expect(nearestName("x".repeat(5000), SETTING_NAMES)).toBeUndefined();
  });
});

describe("parseSeed", () => {
  it("refuses ids and ports out of range", () => {
    expect(parseSeed("0@a:1")).toBeUndefined();
    expect(parseSeed("70000@a:1")).toBeUndefined();
    expect(parseSeed("1@a:0")).toBeUndefined();
    expect(parseSeed("1@a b:1")).toBeUndefined();
  });
});

import type { BrokerConfig, ListenerConfig, TlsConfig } from "./broker-config.ts";
import type { SettingValues } from "./settings.ts";

const PORT_BASES = { client: 9095, peer: 9093, http: 9644 } as const;

/** Listeners that may encrypt. */
const TLS_LISTENERS = ["client", "external", "peer", "http"] as const;

type TlsListener = (typeof TLS_LISTENERS)[number];

/** Listeners whose address others are told. */
const TOLD_LISTENERS = { client: "clients", external: "clients", peer: "other brokers" } as const;

type ToldListener = keyof typeof TOLD_LISTENERS;

/** The port that broker `nodeId` listens on when nothing else is said. */
export function defaultPort(listener: keyof typeof PORT_BASES, nodeId: number): number {
  return PORT_BASES[listener] + 10 * nodeId;
}

/** All listeners as configured. */
export function listenersOf(values: SettingValues): BrokerConfig["listeners"] {
  const nodeId = values["node.id"];
  const externalPort = values["listeners.external.port"];
  return {
    client: {
      ...placeOf(values, "client"),
      port: values["listeners.client.port"] ?? defaultPort("client", nodeId),
    },
    external:
      externalPort === undefined
        ? undefined
        : { ...placeOf(values, "external"), port: externalPort },
    peer: {
      ...placeOf(values, "peer"),
      port: values["listeners.peer.port"] ?? defaultPort("peer", nodeId),
    },
    http: {
      host: values["listeners.http.host"],
      port: values["listeners.http.port"] ?? defaultPort("http", nodeId),
      advertisedHost: undefined,
      advertisedPort: undefined,
      tls: tlsOf(values, "http"),
    },
  };
}

/** What is wrong with the listeners, one line each. */
export function listenerProblems(values: SettingValues): string[] {
  const problems = TLS_LISTENERS.flatMap((listener) => tlsProblems(values, listener));
  if (values["listeners.external.port"] === undefined) {
    const asked = (["advertised.host", "advertised.port", "tls.cert.file"] as const).filter(
      (name) => values[`listeners.external.${name}`] !== undefined,
    );
    if (asked.length > 0) {
      problems.push(`listeners.external.${asked.join(", ")} needs listeners.external.port`);
    }
  }
  problems.push(...addressProblems(values));
  if (values.insecure) return problems;
  const exposed = exposedListeners(listenersOf(values)).map(
    ({ name, host }) =>
      `listeners.${name}.host ${host} is reachable from outside and has no TLS; ` +
      "use 127.0.0.1, configure its certificate, or say insecure: true",
  );
  return [...problems, ...exposed];
}

/**
 * Listeners that hand the data to the network: reachable from beyond this machine, not encrypted.
 */
export function exposedListeners(
  listeners: BrokerConfig["listeners"],
): readonly { readonly name: string; readonly host: string }[] {
  return Object.entries(listeners).flatMap(([name, listener]) => {
    // The entries are those of the type: a listener, or undefined for one that is not open.
    const config: ListenerConfig | undefined = listener;
    if (config === undefined || config.tls !== undefined || isLoopback(config.host)) return [];
    return [{ name, host: config.host }];
  });
}

/** "All addresses" is a place to listen at and none to connect to. */
function addressProblems(values: SettingValues): string[] {
  // The entries are those of the constant.
  const told = Object.entries(TOLD_LISTENERS) as readonly (readonly [ToldListener, string])[];
  return told.flatMap(([listener, others]) => {
    const isOpen = listener !== "external" || values["listeners.external.port"] !== undefined;
    const name = `listeners.${listener}.advertised.host` as const;
    const advertised = values[name];
    const host = values[`listeners.${listener}.host`];
    if (!isOpen || !isEverywhere(advertised ?? host)) return [];
    return [
      `${advertised === undefined ? `listeners.${listener}.host ${host}` : `${name} ${advertised}`} ` +
        `stands for every address of this machine, and ${others} would be told to connect to it; ` +
        `set ${name} to the name or address by which they reach this broker`,
    ];
  });
}

function isEverywhere(host: string): boolean {
  return /^(?:\[?[0:.]+\]?|\*)$/.test(host);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function tlsProblems(values: SettingValues, listener: TlsListener): string[] {
  const prefix = `listeners.${listener}.tls` as const;
  const cert = values[`${prefix}.cert.file`];
  const key = values[`${prefix}.key.file`];
  const ca = values[`${prefix}.ca.file`];
  if ((cert === undefined) !== (key === undefined)) {
    return [`${prefix}.cert.file and ${prefix}.key.file belong together: set both`];
  }
  if (cert === undefined) {
    return ca === undefined ? [] : [`${prefix}.ca.file needs ${prefix}.cert.file`];
  }
  const asksForCertificates = values[`${prefix}.client.auth`] === "required";
  if (ca === undefined && (asksForCertificates || listener === "peer")) {
    return [`${prefix}.ca.file is missing: it says whose certificates are accepted`];
  }
  return [];
}

function placeOf(values: SettingValues, listener: ToldListener): Omit<ListenerConfig, "port"> {
  return {
    host: values[`listeners.${listener}.host`],
    advertisedHost: values[`listeners.${listener}.advertised.host`],
    advertisedPort: values[`listeners.${listener}.advertised.port`],
    tls: tlsOf(values, listener),
  };
}

function tlsOf(values: SettingValues, listener: TlsListener): TlsConfig | undefined {
  const certFile = values[`listeners.${listener}.tls.cert.file`];
  const keyFile = values[`listeners.${listener}.tls.key.file`];
  if (certFile === undefined || keyFile === undefined) return undefined;
  return {
    certFile,
    keyFile,
    caFile: values[`listeners.${listener}.tls.ca.file`],
    clientAuth: values[`listeners.${listener}.tls.client.auth`],
  };
}

export type {
  BrokerConfig,
  ListenerConfig,
  LogLevel,
  Seed,
} from "./config/broker-config.ts";
export { configReference } from "./config/config-reference.ts";
export { environmentName, readConfigFile } from "./config/config-sources.ts";
export {
  type ConfigSources,
  loadBrokerConfig,
} from "./config/load-broker-config.ts";
export { type Broker, startBroker } from "./broker.ts";
export {
  type Environment,
  EXIT_FATAL,
  type HttpPort,
  nodeEnvironment,
} from "./environment.ts";
export {
  exportDataDirectory,
  inspectDataDirectory,
  type StoredRecord,
} from "./node/inspect-data-directory.ts";
export { defaultPort } from "./config/listener-config.ts";

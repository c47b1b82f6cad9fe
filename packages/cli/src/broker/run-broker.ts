import { machineTimers, sleep } from "@stratalog/base";
import {
  type Broker,
  type BrokerConfig,
  configReference,
  loadBrokerConfig,
  nodeEnvironment,
  readConfigFile,
  startBroker,
} from "@stratalog/broker";
import type { BrokerCommandOptions } from "../commands/broker-command.ts";
import type { CommandContext } from "../commands/command-context.ts";
import { EXIT } from "../output/exit-codes.ts";

/** Beyond the broker's own limit on a graceful stop: it must never be kept by a stop that hangs. */
const STOP_GRACE_MS = 2000;

/** Runs `strata broker` and resolves to its exit code. */
export async function runBroker(
  options: BrokerCommandOptions,
  context: CommandContext,
): Promise<number> {
  if (options.settings === true) {
    context.output.line(configReference());
    return EXIT.ok;
  }
  const config = loadBrokerConfig({
    ...(options.config === undefined ? {} : { file: await readConfigFile(options.config) }),
    environment: process.env,
    flags: options.set,
  });
  const stopAsked = whenStopAsked(context);
  const starting = startBroker(nodeEnvironment(config), config);
  const broker = await Promise.race([starting, stopAsked]);
  // A stop that comes before the broker stands needs no grace: its disk is as good as after a
  // crash.
  if (broker === undefined) return EXIT.ok;
  await stopAsked;
  return stopWithin(broker, config, context);
}

async function stopWithin(
  broker: Broker,
  config: BrokerConfig,
  context: CommandContext,
): Promise<number> {
  const limitMs = config.limits.shutdownTimeoutMs + STOP_GRACE_MS;
  const isStopped = await Promise.race([
    broker.stop().then(() => true),
    sleep(machineTimers, limitMs).then(() => false),
    new Promise<boolean>((resolve) => {
      context.force.addEventListener("abort", () => resolve(false), { once: true });
    }),
  ]);
  if (isStopped) return EXIT.ok;
  context.output.note("the broker was ended before it had stopped gracefully");
  return EXIT.error;
}

/**
 * Resolves when a signal asks for a stop, or when the supervisor that started this process is gone:
 * its channel closes with it, whatever ended it.
 */
function whenStopAsked(context: CommandContext): Promise<undefined> {
  return new Promise((resolve) => {
    const done = (): void => resolve(undefined);
    if (context.signal.aborted) done();
    context.signal.addEventListener("abort", done, { once: true });
    if (process.send !== undefined) process.once("disconnect", done);
  });
}

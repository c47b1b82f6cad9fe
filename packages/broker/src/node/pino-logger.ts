import type { Logger } from "@stratalog/base";
import { type Logger as Pino, pino } from "pino";

/** Structured lines on standard output, or into a file descriptor. */
export function createPinoLogger(options: {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  readonly brokerId: number;
  readonly destination?: NodeJS.WritableStream;
}): Logger {
  const settings = {
    level: options.level,
    base: { broker: options.brokerId },
    serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
  };
  return wrap(
    options.destination === undefined ? pino(settings) : pino(settings, options.destination),
  );
}

function wrap(target: Pino): Logger {
  return {
    debug: (fields, message) => target.debug(fields, message),
    info: (fields, message) => target.info(fields, message),
    warn: (fields, message) => target.warn(fields, message),
    error: (fields, message) => target.error(fields, message),
    child: (fields) => wrap(target.child(fields)),
  };
}

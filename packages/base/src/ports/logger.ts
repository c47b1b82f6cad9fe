/** Facts of a log line: small, flat, no secrets. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Structured logging, shaped so that a pino logger fits. One line per event that matters, none
 * per request.
 */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Logger;
}

/** Drops every line. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};

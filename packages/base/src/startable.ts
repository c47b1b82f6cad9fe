/** Something with a life: started once, stopped once. */
export interface Startable {
  readonly name: string;
  start(): Promise<void>;
  /** Resolves when everything it held is released; harmless when it never started. */
  stop(): Promise<void>;
}

/**
 * Starts parts in order; when one fails, stops those that run, newest first, and throws its
 * error.
 */
export async function startAll(parts: readonly Startable[]): Promise<void> {
  const started: Startable[] = [];
  for (const part of parts) {
    try {
      await part.start();
      started.push(part);
    } catch (error) {
      await stopAll(started);
      throw error;
    }
  }
}

/**
 * Stops parts in reverse order; every part is stopped even when one fails; then the first failure
 * is thrown.
 */
export async function stopAll(parts: readonly Startable[]): Promise<void> {
  const failures: unknown[] = [];
  for (const part of parts.toReversed()) {
    try {
      await part.stop();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

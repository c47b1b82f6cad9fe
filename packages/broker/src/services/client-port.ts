/**
 * The door that clients come through, whatever carries their calls: gRPC, or memory in a
 * simulation.
 */
export interface ClientPort {
  /** Opens; resolves with the port's number. Rejects with ADDRESS_IN_USE or INVALID_CONFIG. */
  start(): Promise<number>;
  /** What health checks are told. */
  setServing(isServing: boolean): void;
  /**
   * Takes no more clients, ends streams and long polls when what they have begun is answered, and
   * cuts what is left after
   * `graceMs`. Resolves when all is closed.
   */
  stop(graceMs: number): Promise<void>;
  readonly connectionCount: number;
  readonly refusedConnectionCount: number;
}

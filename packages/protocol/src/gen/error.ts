// Generated from proto/stratalog/v1/error.proto by scripts/generate.ts.
// Do not edit; a test compares.

/**
 * A failure. Unary calls carry it, encoded, in the trailing metadata `stratalog-error-bin` of a
 * gRPC status; streams carry it inside their responses, so that one bad partition does not end the
 * stream for the others.
 * 
 * A client that looks at the status alone: UNAVAILABLE and RESOURCE_EXHAUSTED say that nothing was
 * done and that the same call may pass a little later, here or at the broker that the hint names
 * (leaders and coordinators move). DEADLINE_EXCEEDED and ABORTED leave open what was done. The rest
 * will not pass as it is.
 */
export interface WireError {
  /**
   * Stable code from the catalogue (packages/base/src/error-codes.ts), for example "NOT_LEADER".
   * Never empty in an error that is present. A client that does not know a code treats it as
   * INTERNAL.
   */
  readonly code: string;
  /** What happened and what to do, for people. At most 2,048 bytes; may change between versions. */
  readonly message: string;
  /** Facts for programs, such as the valid range of an offset. At most 32 entries. */
  readonly details: readonly ErrorDetail[];
  /**
   * For NOT_LEADER, NOT_COORDINATOR and NOT_CONTROLLER: who to ask instead, when the broker knows.
   * Absent: refresh metadata.
   */
  readonly leader: LeaderHint | null;
}

/** One fact of an error. */
export interface ErrorDetail {
  /** Which of the fields of this choice is set; absent: none. */
  readonly value?:
    | "text"
    | "number"
    | "flag";
  /**
   * Name in lowerCamelCase, unique in its error, for example "logStartOffset". At most 64 bytes.
   */
  readonly key: string;
  /** A name, an address, a short text. At most 1,024 bytes. */
  readonly text?: string;
  /**
   * A count, an offset, an epoch or a duration (unit in the key's name); whole numbers are exact
   * up to 2^53.
   */
  readonly number?: number;
  /** Yes or no. */
  readonly flag?: boolean;
}

/** The broker that leads what was asked for, as far as the answering broker knows. */
export interface LeaderHint {
  /** Number of the leading broker, 1 to 65,535. */
  readonly brokerId: number;
  /**
   * Leader epoch (Raft term) at which it leads; 0 when unknown. A hint with an older epoch than the
   * client's is stale.
   */
  readonly leaderEpoch: number;
  /**
   * Host name or address of that broker on the listener that the client came through; empty when
   * unknown.
   */
  readonly host: string;
  /** Port of that listener, 1 to 65,535; 0 when unknown. */
  readonly port: number;
}

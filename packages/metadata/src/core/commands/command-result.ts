import type { ErrorCode, ErrorDetails, Random } from "@stratalog/base";
import type { MetadataRecord } from "../records.ts";

/** What a handler may use besides the image. */
export interface CommandContext {
  readonly random: Random;
}

/**
 * Records to append and the answer once they are committed, or why not. A refused command makes no
 * records.
 */
export type CommandResult<Response> =
  | {
      readonly ok: true;
      readonly records: readonly MetadataRecord[];
      readonly response: Response;
    }
  | Refusal;

/** An expected outcome that is not what was asked for. */
export interface Refusal {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
}

export function accept<Response>(
  records: readonly MetadataRecord[],
  response: Response,
): CommandResult<Response> {
  return { ok: true, records, response };
}

export function refuse(code: ErrorCode, message: string, details?: ErrorDetails): Refusal {
  return details === undefined
    ? { ok: false, code, message }
    : { ok: false, code, message, details };
}

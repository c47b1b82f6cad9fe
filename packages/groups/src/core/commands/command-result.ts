import type { ErrorCode, ErrorDetails } from "@stratalog/base";
import type { GroupRecord } from "../records.ts";
import type { TopicsView } from "../topics-view.ts";

/** What a handler may use besides the state. */
export interface GroupContext {
  /** The leader's wall clock, milliseconds since 1970. */
  readonly nowMs: number;
  readonly topics: TopicsView;
}

/** Records to append and the answer once they are committed, or why not. */
export type GroupResult<Response> =
  | { readonly ok: true; readonly records: readonly GroupRecord[]; readonly response: Response }
  | GroupRefusal;

/** An expected outcome that is not what was asked for. */
export interface GroupRefusal {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
}

/** Nothing to say but that it is done. */
export type Done = Readonly<Record<string, never>>;

/** The command is carried out by these records, none at all included. */
export function accept<Response>(
  records: readonly GroupRecord[],
  response: Response,
): GroupResult<Response> {
  return { ok: true, records, response };
}

/** The command changes nothing; `message` says what to do. */
export function refuse(code: ErrorCode, message: string, details?: ErrorDetails): GroupRefusal {
  return details === undefined
    ? { ok: false, code, message }
    : { ok: false, code, message, details };
}

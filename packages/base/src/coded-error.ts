import { ERROR_CODES, type ErrorCode, isErrorCode } from "./error-codes.ts";

/** Structured facts beside the message: numbers, names and addresses that a program may want. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

/** The one error that crosses a public boundary: a stable code, what happened, what to do. */
export class CodedError extends Error {
  override readonly name = "CodedError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(
    code: ErrorCode,
    message: string,
    options: { readonly details?: ErrorDetails; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  /** Whether the same call may succeed later or at another broker. */
  get retriable(): boolean {
    return ERROR_CODES[this.code].retriable;
  }

  /** Whether the failed call may have taken effect all the same. */
  get outcomeUnknown(): boolean {
    return ERROR_CODES[this.code].outcome === "unknown";
  }

  /**
   * Recognises an error of this class by shape, also when it comes from another copy of the
   * package.
   */
  static is(error: unknown): error is CodedError {
    return (
      error instanceof Error &&
      "code" in error &&
      typeof error.code === "string" &&
      isErrorCode(error.code)
    );
  }

  /** The error itself when it has a code, else an INTERNAL one around it. */
  static from(error: unknown): CodedError {
    if (CodedError.is(error)) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new CodedError("INTERNAL", message, { cause: error });
  }
}

import { CodedError, offset, type Offset } from "@stratalog/base";

/** A request that breaks a rule of its .proto file. */
export function invalidRequest(message: string): CodedError {
  return new CodedError("INVALID_REQUEST", message);
}

/** A 64-bit number of a request, which must be a safe integer; INVALID_REQUEST otherwise. */
export function safeInteger(value: number, name: string): number {
  if (Number.isSafeInteger(value)) return value;
  throw invalidRequest(`${name} is beyond 2^53`);
}

/** An offset of a request: 0 to 2^53 - 1, else INVALID_REQUEST. */
export function offsetFromWire(value: number, name: string): Offset {
  if (Number.isSafeInteger(value) && value >= 0) return offset(value);
  throw invalidRequest(`${name} is ${value}; an offset is 0 to 2^53 - 1`);
}

/** An optional epoch of a request: 0 to 2^53 - 1, else INVALID_REQUEST. */
export function epochFromWire(value: number | undefined, name: string): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return value;
  throw invalidRequest(`${name} is ${value}; an epoch is 0 to 2^53 - 1`);
}

/** What a number of a request may be; `absent` is what 0 stands for. */
export interface NumberRule {
  readonly name: string;
  readonly absent: number;
  readonly min: number;
  readonly max: number;
}

/**
 * A number of a request for which 0 means the default; outside its range it is an INVALID_REQUEST.
 */
export function numberFromWire(value: number, rule: NumberRule): number {
  if (value === 0) return rule.absent;
  if (value >= rule.min && value <= rule.max) return value;
  throw invalidRequest(`${rule.name} is ${value}; it may be ${rule.min} to ${rule.max}`);
}

/** Checks the length of a list of a request; INVALID_REQUEST outside its range. */
export function checkCount(
  list: readonly unknown[],
  rule: { readonly name: string; readonly min: number; readonly max: number },
): void {
  if (list.length >= rule.min && list.length <= rule.max) return;
  throw invalidRequest(
    `${rule.name} has ${list.length} items; it may have ${rule.min} to ${rule.max}`,
  );
}

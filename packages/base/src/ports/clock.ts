/** Reads time. Only adapters touch the machine's clocks; everything else is handed one of these. */
export interface Clock {
  /** Milliseconds since an arbitrary start, never going back; fractions allowed. */
  monotonicMs(): number;
  /** Milliseconds since 1970 by the machine's clock, a whole number; may jump either way. */
  wallMs(): number;
}

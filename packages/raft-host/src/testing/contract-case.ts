/** One claim of a contract suite; a test file runs each as a test of its own. */
export interface ContractCase {
  /** The claim in plain words. */
  readonly name: string;
  /** Throws when the claim does not hold. */
  run(): Promise<void>;
}

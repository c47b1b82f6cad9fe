/**
 * Holds back the reading of a call's next message. `pause()` of a stream is not enough: its buffer
 * would still take in sixteen messages, each as large as messages may be. A held message stays in
 * HTTP/2's window.
 */
export class ReadGate {
  #isOpen = true;
  #held: (() => void) | undefined;

  /** Lets the next message be read, or not. */
  set(isOpen: boolean): void {
    this.#isOpen = isOpen;
    const held = this.#held;
    if (!isOpen || held === undefined) return;
    this.#held = undefined;
    held();
  }

  /** Reads now, or when the gate opens. The library asks for one message at a time. */
  pass(read: () => void): void {
    if (this.#isOpen) read();
    else this.#held = read;
  }
}

import { present } from "@stratalog/base";

/** Something that happens at an instant of simulated time. */
export interface SimEvent {
  readonly timeMs: number;
  /** Orders events of one instant: drawn from the seed, so that seeds explore interleavings. */
  readonly tieBreak: number;
  /** Orders what is left: order of scheduling. */
  readonly sequence: number;
  readonly label: string;
  readonly run: () => void;
}

/** A binary heap of events, earliest first. */
export class EventHeap {
  readonly #events: SimEvent[] = [];

  get size(): number {
    return this.#events.length;
  }

  push(event: SimEvent): void {
    const events = this.#events;
    let child = events.push(event) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = present(events[parent], "event above");
      if (!isBefore(event, above)) break;
      events[child] = above;
      child = parent;
    }
    events[child] = event;
  }

  pop(): SimEvent | undefined {
    const events = this.#events;
    const first = events[0];
    const last = events.pop();
    if (first === undefined || last === undefined || events.length === 0) return first;
    let hole = 0;
    for (;;) {
      const left = 2 * hole + 1;
      const [a, b] = [events[left], events[left + 1]];
      if (a === undefined) break;
      const isRight = b !== undefined && isBefore(b, a);
      const below = isRight ? b : a;
      if (!isBefore(below, last)) break;
      events[hole] = below;
      hole = isRight ? left + 1 : left;
    }
    events[hole] = last;
    return first;
  }
}

function isBefore(a: SimEvent, b: SimEvent): boolean {
  if (a.timeMs !== b.timeMs) return a.timeMs < b.timeMs;
  if (a.tieBreak !== b.tieBreak) return a.tieBreak < b.tieBreak;
  return a.sequence < b.sequence;
}

/** One record as a member got it; times on the process's monotonic clock. */
export interface Delivery {
  readonly partition: number;
  readonly offset: number;
  readonly member: string;
  readonly atMs: number;
  /** From when it was sent. */
  readonly latencyMs: number;
}

/** Who got which record when, and who owned which partition. */
export class DeliveryLog {
  readonly deliveries: Delivery[] = [];
  /** Last owner of each partition. */
  readonly owners = new Map<number, string>();

  add(delivery: Delivery): void {
    this.deliveries.push(delivery);
    this.owners.set(delivery.partition, delivery.member);
  }

  /** Records of each partition in the order in which they came. */
  offsetsOf(partition: number): readonly number[] {
    return this.deliveries
      .filter((each) => each.partition === partition)
      .map(({ offset }) => offset);
  }

  /** What came between two times, by partition. */
  between(fromMs: number, toMs: number): ReadonlyMap<number, readonly Delivery[]> {
    const found = new Map<number, Delivery[]>();
    for (const delivery of this.deliveries) {
      if (delivery.atMs < fromMs || delivery.atMs > toMs) continue;
      const list = found.get(delivery.partition);
      if (list === undefined) found.set(delivery.partition, [delivery]);
      else list.push(delivery);
    }
    return found;
  }
}

/** The longest delivery of partitions that kept their owner, and of those that changed it. */
export interface Pauses {
  readonly keptMs: number;
  readonly movedMs: number;
  readonly movedCount: number;
}

/** A span of time, and who owned what when it began. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly owners: ReadonlyMap<number, string>;
}

/** Looks at a span in which members came and went. */
export function pausesIn(log: DeliveryLog, { fromMs, toMs, owners }: Span): Pauses {
  let [keptMs, movedMs, movedCount] = [0, 0, 0];
  for (const [partition, deliveries] of log.between(fromMs, toMs)) {
    const longestMs = Math.max(...deliveries.map(({ latencyMs }) => latencyMs));
    const isMoved = deliveries.some(({ member }) => member !== owners.get(partition));
    if (isMoved) movedMs = Math.max(movedMs, longestMs);
    else keptMs = Math.max(keptMs, longestMs);
    if (isMoved) movedCount += 1;
  }
  return { keptMs, movedMs, movedCount };
}

/** What is wrong with the records of one partition: skipped, out of order, or there twice. */
export function faultsOf(
  log: DeliveryLog,
  partition: number,
  expected: { readonly count: number; readonly mayRepeatFrom?: number | undefined },
): readonly string[] {
  const faults: string[] = [];
  const seen = new Set<number>();
  for (const offset of log.offsetsOf(partition)) {
    if (seen.has(offset)) {
      const isAllowed = expected.mayRepeatFrom !== undefined && offset >= expected.mayRepeatFrom;
      if (!isAllowed) faults.push(`${partition}/${offset} came twice`);
    } else if (offset !== seen.size) {
      faults.push(`${partition}/${offset} came where ${seen.size} should`);
    }
    seen.add(offset);
  }
  if (seen.size !== expected.count)
    faults.push(`${seen.size} of ${expected.count} in ${partition}`);
  return faults;
}

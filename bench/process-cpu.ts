import { readFile } from "node:fs/promises";
import type { BrokerProcess } from "../test/integration/broker-process.ts";

/** Processor time in user and system mode, seconds. */
export interface CpuReading {
  readonly brokersSeconds: number;
  readonly clientSeconds: number;
}

/** The kernel's unit of /proc/PID/stat, the same on all Linux machines. */
const TICKS_PER_SECOND = 100;

/**
 * Reads the processor time of brokers and of this process. Of use where a clock is not: on a
 * machine that is shared, time passes for others too. Linux only.
 */
export class CpuMeter {
  readonly #brokers: readonly BrokerProcess[];

  constructor(brokers: readonly BrokerProcess[]) {
    this.#brokers = brokers;
  }

  async read(): Promise<CpuReading> {
    const ticks = await Promise.all(this.#brokers.map(({ pid }) => ticksOf(pid)));
    const { user, system } = process.cpuUsage();
    return {
      brokersSeconds: ticks.reduce((sum, count) => sum + count, 0) / TICKS_PER_SECOND,
      clientSeconds: (user + system) / 1e6,
    };
  }

  static between(before: CpuReading, after: CpuReading): CpuReading {
    return {
      brokersSeconds: after.brokersSeconds - before.brokersSeconds,
      clientSeconds: after.clientSeconds - before.clientSeconds,
    };
  }
}

async function ticksOf(pid: number | undefined): Promise<number> {
  if (pid === undefined) return 0;
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The program's name is in parentheses and may hold anything; fields are counted from its end.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

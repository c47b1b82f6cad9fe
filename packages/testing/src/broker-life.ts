import { machineTime, type Time, type Timer, type Timers } from "@stratalog/base";
import type { Environment } from "@stratalog/broker";
import type { TestDisk } from "./test-disk.ts";

/** Something of a broker's that listens or connects. */
interface Door {
  close(): Promise<unknown>;
}

/**
 * One life of a broker in this process: all that it holds of the world, so that it can be taken
 * away from it at once. A broker that is killed this way finds its timers gone, its disk silent and
 * its sockets closed, and never runs again.
 */
export class BrokerLife {
  readonly environment: Environment;
  readonly #disk: TestDisk;
  readonly #timers: readonly MortalTimers[];
  readonly #doors: Door[] = [];
  #isOver = false;

  /** `time` is what the broker's state goes by. */
  constructor(real: Environment, disk: TestDisk, time: Time) {
    this.#disk = disk;
    const timers = new MortalTimers(time.timers);
    const steadyTimers = new MortalTimers(machineTime.timers);
    this.#timers = [timers, steadyTimers];
    this.environment = {
      ...real,
      clock: time.clock,
      timers,
      steadyTime: { clock: machineTime.clock, timers: steadyTimers },
      fileSystem: disk.fileSystem,
      openKeyValueStore: (directory) => disk.openKeyValueStore(directory),
      openPeerLink: (listen) => {
        const link = real.openPeerLink(listen);
        this.#doors.push({ close: () => link.stop() });
        return link;
      },
      openClientPort: (options) => {
        // The port's own time outlives the broker: it is what cuts its clients off.
        const api = real.openClientPort({ ...options, steadyTime: machineTime });
        this.#doors.push({ close: () => api.listener.stop(0) });
        return api;
      },
      openHttpPort: (options) => {
        const port = real.openHttpPort(options);
        this.#doors.push({ close: () => port.stop() });
        return port;
      },
      onFatal: (reason, error) => {
        if (!this.#isOver) real.onFatal(reason, error);
      },
    };
  }

  /** Ends it as a kill does; resolves with its disk when its ports are free again. */
  async kill(): Promise<TestDisk> {
    this.#isOver = true;
    for (const timers of this.#timers) timers.stop();
    const disk = await this.#disk.cutOff();
    // A door that was closed already, or that fails to close, keeps nobody from the next life.
    await Promise.allSettled(this.#doors.map((door) => door.close()));
    return disk;
  }
}

/** Timers until they are stopped: then nothing that was set comes any more. */
class MortalTimers implements Timers {
  readonly #real: Timers;
  readonly #set = new Set<Timer>();
  #isStopped = false;

  constructor(real: Timers) {
    this.#real = real;
  }

  after(delayMs: number, task: () => void): Timer {
    const timer = this.#real.after(delayMs, () => {
      this.#set.delete(timer);
      if (!this.#isStopped) task();
    });
    const cancellable: Timer = {
      cancel: () => {
        this.#set.delete(timer);
        timer.cancel();
      },
    };
    if (this.#isStopped) timer.cancel();
    else this.#set.add(timer);
    return cancellable;
  }

  endOfTurn(task: () => void): void {
    this.#real.endOfTurn(() => {
      if (!this.#isStopped) task();
    });
  }

  stop(): void {
    this.#isStopped = true;
    for (const timer of this.#set) timer.cancel();
    this.#set.clear();
  }
}

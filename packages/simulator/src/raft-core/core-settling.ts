import { must } from "../raft/violation.ts";
import { describeConfiguration, membersOf } from "./configuration-model.ts";
import type { CoreGroup } from "./core-group.ts";
import type { CoreWork } from "./core-work.ts";
import type { BagOptions } from "./message-bag.ts";

/** Everything takes the same time, so messages come in order, as connections bring them. */
const CALM_NETWORK: BagOptions = {
  latencyMs: [1, 1],
  lateMs: 0,
  latePercent: 0,
  lossPercent: 0,
  duplicatePercent: 0,
};
const CALM_DISK = { least: 0.05, most: 1 };
/**
 * A healed group must have made progress within so many election timeouts, and this long for each
 * entry that a replica misses: a log may be sent entry by entry, each after a read from disk.
 */
const PROGRESS_TIMEOUTS = 15;
const CATCH_UP_MS = 15;
/** Time between two attempts to see that it has. */
const LOOK_MS = 20;

/**
 * Repairs everything. Then somebody must lead, and an entry that it takes must reach every member
 * before long. Whoever the newest configuration leaves out is stopped, as a host would do.
 */
export class CoreSettling {
  readonly #group: CoreGroup;
  readonly #work: CoreWork;
  #goal: { readonly index: number; readonly term: number } | undefined;
  #isReached = false;

  constructor(group: CoreGroup, work: CoreWork) {
    this.#group = group;
    this.#work = work;
  }

  /** Throws a violation when there is no progress; answers how long it took. */
  run(): number {
    const { kernel, bag, shape, replicas } = this.#group;
    const startMs = kernel.monotonicMs();
    this.#group.note("calm", "", []);
    bag.heal();
    bag.setOptions(CALM_NETWORK);
    this.#group.diskLatencyMs = CALM_DISK;
    for (const replica of replicas) {
      replica.node.resume();
      replica.boot();
    }
    this.#scheduleLook();
    const timeoutMs = 2 * (shape.raft.electionTicks ?? 10) * shape.tickMs;
    const longest = Math.max(...replicas.map(({ disk }) => disk.handed.lastIndex));
    const missing = longest - Math.min(...replicas.map(({ application }) => application.index));
    const limitMs = PROGRESS_TIMEOUTS * timeoutMs + CATCH_UP_MS * missing;
    const isReached = kernel.runSynchronously(limitMs, () => this.#isReached);
    must(isReached, `progress: the group stands still, though all is well\n${this.#describe()}`);

    return kernel.monotonicMs() - startMs;
  }

  #scheduleLook(): void {
    this.#group.kernel.schedule(LOOK_MS, () => {
      this.#isReached = this.#look();
      this.#scheduleLook();
    });
  }

  /** Does what an operator would do for a group to move; whether it has. */
  #look(): boolean {
    const group = this.#group;
    group.retire();
    const { confState } = group.ledger.configuration;
    const goal = this.#goal;
    if (goal !== undefined && group.ledger.term(goal.index) === goal.term) {
      const isJoint = confState.votersOutgoing.length > 0;
      const members = [...membersOf(confState)];
      const isLevel = members.every((id) => {
        return (group.get(id)?.application.index ?? 0) >= goal.index;
      });
      if (isLevel && !isJoint) return true;
    }
    const { leader } = group;
    if (leader === undefined) return false;
    if (confState.votersOutgoing.length > 0 && !confState.autoLeave) {
      this.#work.leaveJoint(leader);
    }
    if (!confState.voters.includes(leader.id)) {
      // Without stepDownOnRemoval a leader that was removed must be told to make way.
      leader.input((raft) => raft.transferLeadership(confState.voters[0] ?? 0));
      return false;
    }
    // A follower may wait for a snapshot that is younger than its membership.
    leader.disk.save(leader.application.capture(), () => {});
    // A leader that was handing over when it should have left a joint configuration leaves it with
    // the next entry that it applies.
    const isStuck = confState.autoLeave && leader.application.index >= (goal?.index ?? 0);
    if (goal === undefined || goal.term !== leader.raft.term || isStuck) {
      this.#goal = this.#work.propose(leader);
    }
    return false;
  }

  #describe(): string {
    const { index, confState } = this.#group.ledger.configuration;
    const lines = this.#group.replicas.map(({ raft, application, disk, node }) => {
      const { durable, handed } = disk;
      const log = `durable ${durable.firstIndex}-${durable.lastIndex} of ${handed.lastIndex}`;
      const status = JSON.stringify(raft.status());
      return `${node.state} applied ${application.index} ${log} ${status}`;
    });
    return [`${describeConfiguration(confState)} since ${index}`, ...lines].join("\n");
  }
}

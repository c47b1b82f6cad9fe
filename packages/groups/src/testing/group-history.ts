import { assert, type Random, unreachable } from "@stratalog/base";
import { groupStateName } from "../core/describe.ts";
import type { AssignorName } from "../core/group.ts";
import { heldBy } from "../core/owned-partitions.ts";
import { GroupWorld } from "./group-world.ts";

/** What members want, by number: names, prefixes, and both. */
const WISHES = [
  { topics: ["a"], prefixes: [] },
  { topics: ["a", "b"], prefixes: [] },
  { topics: ["b"], prefixes: [] },
  { topics: ["a"], prefixes: ["b"] },
  { topics: [], prefixes: ["b", "bc"] },
] as const;
const TOPICS = ["a", "b", "bc"] as const;

/** Everything that can happen, with how likely it is beside the others. */
export const HAPPENINGS = {
  join: 3,
  "lose-join": 1,
  reconnect: 2,
  "break-stream": 1,
  "carry-out": 6,
  report: 6,
  leave: 2,
  crash: 1,
  expire: 1,
  "expire-unheard": 1,
  commit: 3,
  "fail-over": 1,
  "set-topic": 1,
  "delete-topic": 0.5,
} as const;

/** One thing that happens: what, to whom, and how. */
export interface Happening {
  readonly what: keyof typeof HAPPENINGS;
  /** Number of the member, 0 to 3. */
  readonly member: number;
  /** Chooses between wishes and between topics. */
  readonly choice: number;
  /** Partitions of a topic that is made or grown. */
  readonly count: number;
}

const NAMES = Object.keys(HAPPENINGS) as readonly Happening["what"][];
const WEIGHT = Object.values(HAPPENINGS).reduce((sum, weight) => sum + weight, 0);

/** Draws one thing that happens. */
export function drawHappening(random: Random): Happening {
  let left = random.fraction() * WEIGHT;
  const what = NAMES.find((name) => (left -= HAPPENINGS[name]) < 0) ?? "report";
  const [member, choice, count] = [random.below(4), random.below(60), 1 + random.below(9)];
  return { what, member, choice, count };
}

/** What one history came to, so that a run of many can say what it met. */
export interface HistoryOutcome {
  readonly commandCount: number;
  /** Members in the group once it settled. */
  readonly settledMembers: number;
}

/** Lives through a history, then lets it settle; throws at the first thing that must not be. */
export function runHistory(
  assignor: AssignorName,
  happenings: Iterable<Happening>,
): HistoryOutcome {
  const world = new GroupWorld(assignor);
  for (const happening of happenings) {
    perform(world, happening);
    world.check();
  }
  world.settle();
  world.check();
  checkSettled(world);
  const settledMembers = world.group?.members.size ?? 0;
  return { commandCount: Math.round(world.nowMs / 1_000), settledMembers };
}

function perform(world: GroupWorld, { what, member: number, choice, count }: Happening): void {
  const member = world.members[number];
  const name = TOPICS[choice % TOPICS.length];
  const wish = WISHES[choice % WISHES.length];
  if (member === undefined || name === undefined || wish === undefined) return;
  switch (what) {
    case "join":
    case "lose-join":
      member.topics = wish.topics;
      member.prefixes = wish.prefixes;
      return world.join(member, { isAnew: true, answer: what === "join" ? "heard" : "lost" });
    case "reconnect":
      if (member.isIn)
        world.join(member, { isAnew: false, answer: choice < 40 ? "heard" : "lost" });
      return;
    case "break-stream":
      return member.breakStream();
    case "carry-out":
      return member.carryOut();
    case "report":
      return world.deliverReport(member);
    case "leave":
      return world.leave(member);
    case "crash":
      return member.drop();
    case "expire":
      member.drop();
      return world.expire(member);
    case "expire-unheard":
      return world.expire(member);
    case "commit":
      return world.commit(member);
    case "fail-over":
      return world.failOver();
    case "set-topic":
      return world.setTopic(name, count);
    case "delete-topic":
      return world.deleteTopic(name);
    default:
      return unreachable(what, "happening");
  }
}

/** Once things settled, each member works on what it should, and together on everything wanted. */
function checkSettled(world: GroupWorld): void {
  const { group } = world;
  if (group === undefined || group.members.size === 0) return;
  assert(groupStateName(group) === "stable", `the group is ${groupStateName(group)}`);
  const owned = world.members.flatMap((member) => [...member.owned]).toSorted();
  const wanted = [...world.wanted()].toSorted();
  assert(owned.join() === wanted.join(), `owned are ${owned.join()}, wanted ${wanted.join()}`);
  for (const member of world.members) {
    const known = group.members.get(member.memberId);
    const held = known === undefined ? [] : [...heldBy(known).keys()];
    const isSame = held.toSorted().join() === [...member.owned].toSorted().join();
    assert(isSame, `${member.memberId} and the group see its partitions alike`);
  }
}

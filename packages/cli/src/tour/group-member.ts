import { formatCount } from "../output/figures.ts";
import { type TourContext, until } from "./tour-context.ts";

/**
 * One consumer of the tour's group: reads in the background into the delivery ledger until it
 * leaves.
 */
export class GroupMember {
  readonly name: string;
  readonly #member: ReturnType<TourContext["client"]["join"]>;
  readonly #finished: Promise<void>;
  #failure: unknown;

  constructor(context: TourContext, name: string) {
    const { client, plan, deliveries } = context;
    this.name = name;
    this.#member = client.join(plan.group, plan.ordersTopic, name);
    this.#finished = this.#read(deliveries).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** Leaves the group. Throws what ended the reading, if anything did. */
  async leave(): Promise<void> {
    await this.#member.close();
    await this.#finished;
    this.throwFailure();
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #read(deliveries: TourContext["deliveries"]): Promise<void> {
    for await (const record of this.#member) deliveries.note(this.name, record);
  }
}

const READ_MS_MAX = 60_000;

/** Resolves when the group was handed every acknowledged record at least once. */
export async function untilGroupHasAll(context: TourContext, member: GroupMember): Promise<void> {
  const { acks, client, deliveries, plan, report } = context;
  const state = async (): Promise<string> => {
    const group = await client.describeGroup(plan.group, plan.ordersTopic);
    const owned = [...(group?.owned ?? [])].map(([name, list]) => `${name} owns ${list.join(" ")}`);
    const counts = `${deliveries.distinctCount} of ${acks.count} records, at ${deliveries.positions}`;
    return `${counts}; ${owned.join("; ")}`;
  };
  await until(context, { what: "the group to read all", timeoutMs: READ_MS_MAX, state }, () => {
    member.throwFailure();
    report.progress(`${formatCount(deliveries.distinctCount)} records read by the group`);
    return deliveries.distinctCount >= acks.count ? true : undefined;
  });
}

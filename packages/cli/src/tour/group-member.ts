import type { TourContext } from "./tour-context.ts";

/** One consumer of the tour's group: reads in the background into the delivery ledger until it leaves. */
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

import { resolve } from "node:path";
import type { DevCluster } from "../dev/dev-cluster.ts";
import { DEV_DIRECTORY_NAME } from "../dev/dev-directory-name.ts";
import type { Output } from "../output/output.ts";
import type { TourPlan } from "./tour-context.ts";

/** What to try on a cluster that stays after the tour: commands and a program to paste. */
export function sayClosing(output: Output, cluster: DevCluster, plan: TourPlan): void {
  const { clientAddresses, directory } = cluster;
  // Commands find the cluster of the usual directory by themselves.
  const isUsual = directory.path === resolve(DEV_DIRECTORY_NAME);
  const brokers = isUsual ? "" : ` --brokers ${clientAddresses.join(",")}`;
  const record = `{ topic: "${plan.ordersTopic}", key: "mine", value: { hello: "world" } }`;
  // Nothing is indented: a here-document ends at a line that is END and nothing else. And no file is
  // made: it would stand in the repository, where lint finds it.
  const text = `
The cluster stays. Its data and logs are in ${directory.path}
In another terminal, in this directory:

npx strata topic list${brokers}
npx strata replay ${plan.ordersTopic} --max 5 --json${brokers}
npx strata group describe ${plan.group}${brokers}

or from a program:

node --input-type=module <<'END'
import { connect } from "@stratalog/client";
const log = connect({ brokers: ${JSON.stringify(clientAddresses)} });
console.log(await log.producer().send(${record}));
await log.close();
END
`;
  for (const line of text.split("\n")) output.line(line);
}

import type { DevCluster } from "../dev/dev-cluster.ts";
import type { Output } from "../output/output.ts";

/** What to try on a cluster that stays after the tour: commands and a program to paste. */
export function sayClosing(output: Output, cluster: DevCluster): void {
  const brokers = JSON.stringify(cluster.clientAddresses);
  const text = `
The cluster stays. Its data and logs are in ${cluster.directory.path}

In another terminal, in this directory:

  npx strata topic list
  npx strata consume orders --from earliest --max 5 --json
  npx strata group describe billing

or from a program:

  cat > try.mjs <<'END'
  import { connect } from "@stratalog/client";
  const log = connect({ brokers: ${brokers} });
  const producer = log.producer();
  console.log(await producer.send({ topic: "orders", key: "mine", value: { hello: "world" } }));
  await log.close();
  END
  node try.mjs
`;
  for (const line of text.split("\n")) output.line(line);
}

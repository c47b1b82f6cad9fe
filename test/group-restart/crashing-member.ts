/**
 * A member of a group in a process of its own, so that it can be killed: prints every record that
 * its loop got as "partition offset sent-at", a line each.
 *
 * crashing-member.ts ADDRESS GROUP TOPIC SESSION_TIMEOUT_MS
 */
import { connect } from "@stratalog/client";

const [address = "", group = "", topic = "", sessionTimeoutMs = ""] = process.argv.slice(2);
const log = connect({ brokers: [address], clientId: "crashing" });
const consumer = log.consumer({
  group,
  topics: [topic],
  fromBeginning: true,
  sessionTimeoutMs: Number(sessionTimeoutMs),
});
for await (const record of consumer) {
  process.stdout.write(`${record.partition} ${record.position} ${record.text() ?? ""}\n`);
}

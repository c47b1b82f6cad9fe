import type { Message } from "../../core/messages.ts";
import { MESSAGE_NAMES } from "../describe/describe-message.ts";
import type { InteractionCommand } from "../interaction-environment.ts";
import { parseInteger, ScriptError, valueOf } from "../script/arguments.ts";
import type { Delivery } from "../script-cluster.ts";

/** `deliver-msgs 1 2 drop=(3) type=MsgApp`: hands over, or loses, what waits for these replicas. */
export const deliverMessages: InteractionCommand = (cluster, test) => {
  const name = valueOf(test, "type");
  const type = name === undefined ? undefined : parseType(name);
  const deliveries: Delivery[] = [];
  for (const { key, values } of test.args) {
    if (values.length === 0) deliveries.push({ to: parseInteger(key), how: "deliver", type });
    if (key !== "drop") continue;
    for (const value of values) deliveries.push({ to: parseInteger(value), how: "drop", type });
  }
  let count = 0;
  for (const delivery of deliveries) count += cluster.deliver(delivery);
  if (count === 0) cluster.output.write("no messages\n");
};

function parseType(name: string): Message["type"] {
  for (const type in MESSAGE_NAMES) {
    if (isType(type) && MESSAGE_NAMES[type] === name) return type;
  }
  throw new ScriptError(`unknown message type ${name}`);
}

function isType(text: string): text is Message["type"] {
  return Object.hasOwn(MESSAGE_NAMES, text);
}

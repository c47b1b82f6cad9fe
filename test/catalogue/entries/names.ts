import { call, stream } from "../attacks.ts";
import { section, type Row } from "../entry.ts";

const create = (name: string): ReturnType<typeof call> =>
  call("AdminService/CreateTopic", { name, partitionCount: 1 });
const MEMBER = "5a8e4a4e-0000-4000-8000-000000000001";
const join = (fields: object): ReturnType<typeof stream> =>
  stream("GroupService/GroupSession", {
    join: { groupId: "catalogue", memberId: MEMBER, topics: ["catalogue"], ...fields },
  });
const config = (name: string, value = "1"): ReturnType<typeof call> =>
  call("AdminService/CreateTopic", { name: "configured", config: [{ name, value }] });
const entries = (count: number): readonly object[] =>
  Array.from({ length: count }, (_, index) => ({ name: `key.${index}`, value: "1" }));

const ROWS: readonly Row[] = [
  ["a topic without a name", create(""), "INVALID_TOPIC"],
  ["a topic named ..", create(".."), "INVALID_TOPIC"],
  ["a topic named by a path", create("/etc"), "INVALID_TOPIC"],
  ["a topic named by a path that climbs", create("a/../../b"), "INVALID_TOPIC"],
  ["a topic with a NUL in its name", create("a\u0000b"), "INVALID_TOPIC"],
  ["a topic with a name of 250 characters", create("x".repeat(250)), "INVALID_TOPIC"],
  ["a topic with a name of 300,000 letters", create("x".repeat(300_000)), "INVALID_TOPIC"],
  ["a topic with a letter that looks like another", create("оrders"), "INVALID_TOPIC"],
  ["a topic under the cluster's own prefix", create("__mine"), "INVALID_TOPIC"],
  [
    "a delete of the cluster's own topic",
    call("AdminService/DeleteTopic", { name: "__groups" }),
    "INVALID_TOPIC",
    "UNKNOWN_TOPIC_OR_PARTITION",
  ],
  ["a setting named __proto__", config("__proto__"), "INVALID_CONFIG"],
  ["a setting named constructor", config("constructor"), "INVALID_CONFIG"],
  [
    "a setting with a value of 1,025 characters",
    config("retention.ms", "1".repeat(1_025)),
    "INVALID_REQUEST",
  ],
  [
    "65 settings",
    call("AdminService/CreateTopic", { name: "many", config: entries(65) }),
    "INVALID_REQUEST",
  ],
  [
    "10,000 settings to reset",
    call("AdminService/AlterTopicConfig", {
      name: "catalogue",
      reset: Array.from({ length: 10_000 }, () => "retention.ms"),
    }),
    "INVALID_REQUEST",
  ],
  ["a group without a name", join({ groupId: "" }), "INVALID_GROUP_ID"],
  [
    "a group with a name of 300,000 letters",
    join({ groupId: "g".repeat(300_000) }),
    "INVALID_GROUP_ID",
  ],
  [
    "a group named by a path",
    call("GroupService/DescribeGroup", { groupId: "../a" }),
    "INVALID_GROUP_ID",
  ],
  ["a member without a UUID", join({ memberId: "me" }), "INVALID_REQUEST"],
  [
    "a member with a client id of 256 bytes",
    join({ clientId: "c".repeat(256) }),
    "INVALID_REQUEST",
  ],
  [
    "a member of 1,001 topics",
    join({ topics: Array.from({ length: 1_001 }, (_, n) => `t${n}`) }),
    "INVALID_REQUEST",
  ],
  ["a member with an assignor that nobody has", join({ assignor: "mine" }), "INVALID_REQUEST"],
  [
    "a member's second join",
    stream(
      "GroupService/GroupSession",
      { join: { groupId: "", memberId: MEMBER, topics: ["a"] } },
      { join: { groupId: "", memberId: MEMBER, topics: ["a"] } },
    ),
    "INVALID_GROUP_ID",
  ],
  [
    "a ping before the join",
    stream("GroupService/GroupSession", { ping: { sequence: 1 } }),
    "INVALID_REQUEST",
  ],
];

/** Names of topics, settings, groups and members. */
export const NAMES = section("names", ROWS);

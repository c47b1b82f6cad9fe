import {
  brokerId,
  CodedError,
  CONTROLLER_GROUP,
  type ReplicaEpoch,
  type ReplicaIdentity,
  replicaNumber,
} from "@stratalog/base";
import type { LogStore } from "@stratalog/log-store";
import type { GroupRole, RaftGroup, RaftHost } from "@stratalog/raft-host";
import { ControllerNode, type ControllerNodeOptions } from "../controller/controller-node.ts";
import type { FormedCluster } from "../formation/formation.ts";
import { ledGroupListener } from "../replicas/led-group-listener.ts";

/** The controller's replicas are those of the cluster's formation. */
const FIRST_EPOCH = 0 as ReplicaEpoch;

/** This broker's part in the controller, with its Raft group when it votes. */
export interface OpenController {
  readonly node: ControllerNode;
  readonly group: RaftGroup | undefined;
  readonly replicas: readonly ReplicaIdentity[];
}

/**
 * Opens the controller's replica on a voter and adds its group; on other brokers only the node
 * that follows it.
 */
export async function openController(
  options: Omit<ControllerNodeOptions, "log" | "clusterId" | "voters">,
  parts: {
    readonly cluster: FormedCluster;
    readonly logs: LogStore;
    readonly raftHost: RaftHost;
    onRole(role: GroupRole): void;
  },
): Promise<OpenController> {
  const { cluster, logs, raftHost } = parts;
  const { clusterId, voters } = cluster;
  const replicas = voters.map((id) => ({ brokerId: id, replicaEpoch: FIRST_EPOCH }));
  if (!cluster.isVoter) {
    const node = await ControllerNode.open({ ...options, clusterId, voters });
    return { node, group: undefined, replicas };
  }
  refuseDamage(logs);
  const log = await logs.createGroup({
    group: CONTROLLER_GROUP,
    kind: "controller",
    replicaEpoch: FIRST_EPOCH,
  });
  const isNew = log.lastIndex === 0;
  const node = await ControllerNode.open({ ...options, clusterId, voters, log });
  const { replica } = node;
  if (replica === undefined) return { node, group: undefined, replicas };
  const isPreferred = voters[0] === options.brokerId;
  const group = raftHost.addGroup({
    group: CONTROLLER_GROUP,
    replicas: replicas.map(replicaNumber),
    self: replicaNumber({ brokerId: brokerId(options.brokerId), replicaEpoch: FIRST_EPOCH }),
    appliedIndex: replica.appliedIndex,
    listener: ledGroupListener(replica.listener, (role) => parts.onRole(role)),
    priority: isPreferred ? "preferred" : "normal",
    campaignAtOnce: isPreferred && isNew,
  });
  replica.attach(group);
  return { node, group, replicas };
}

/**
 * A damaged controller replica must not vote; without it this broker can do nothing that it is
 * for.
 */
function refuseDamage(logs: LogStore): void {
  const found = logs.groups().find(({ group }) => group === CONTROLLER_GROUP);
  if (found?.state !== "damaged") return;
  throw new CodedError(
    "STORAGE_DAMAGED",
    `the controller's log on this broker is damaged (${found.reason ?? "unknown"}): restore the data directory, ` +
      "or remove this broker from the cluster",
  );
}

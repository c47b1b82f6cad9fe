import { CodedError } from "@stratalog/base";
import { type ControllerCommand, emptyImage, type ResponseOf } from "@stratalog/metadata";
import type { ReplicaLookup, ReplicaPlace } from "../replicas/replica-lookup.ts";
import type {
  ClusterMetadata,
  Controller,
  GroupCoordinator,
  MemberSession,
  OffsetCommit,
  TopicPartitions,
} from "../services/ports.ts";

/** What services use of a broker that has become part of its cluster. */
export interface ClusterServices {
  readonly metadata: ClusterMetadata;
  readonly controller: Controller;
  readonly coordinator: GroupCoordinator;
  readonly replicas: ReplicaLookup;
}

/**
 * The cluster as services see it from the moment the client port is open. Until the cluster has
 * formed everything answers
 * that it has not, which clients retry; from `become` on everything is passed on.
 */
export class LateCluster {
  #services: ClusterServices | undefined;
  readonly #callbacks = new Set<() => void>();

  readonly metadata: ClusterMetadata;
  readonly controller: Controller;
  readonly coordinator: GroupCoordinator;
  readonly replicas: ReplicaLookup;

  constructor() {
    const empty = emptyImage();
    const services = (): ClusterServices | undefined => this.#services;
    const callbacks = this.#callbacks;
    this.metadata = {
      get image() {
        return services()?.metadata.image ?? empty;
      },
      get appliedIndex() {
        return services()?.metadata.appliedIndex ?? 0;
      },
      onChange: (callback) => {
        callbacks.add(callback);
        return () => {
          callbacks.delete(callback);
        };
      },
    };
    this.controller = {
      submit: <C extends ControllerCommand>(
        command: C,
        options: { readonly timeoutMs: number },
      ): Promise<ResponseOf<C>> => {
        const formed = services();
        if (formed === undefined) return Promise.reject(notFormed());
        return formed.controller.submit(command, options);
      },
    };
    this.replicas = {
      lookup: (topic, partition): ReplicaPlace =>
        services()?.replicas.lookup(topic, partition) ?? { kind: "unknown" },
      ledPartitions: () => services()?.replicas.ledPartitions() ?? [],
      get damagedCount() {
        return services()?.replicas.damagedCount ?? 0;
      },
    };
    this.coordinator = new LateCoordinator(() => services()?.coordinator);
  }

  /** The cluster has formed: everything is passed on from now. Once. */
  become(services: ClusterServices): void {
    this.#services = services;
    const tell = (): void => {
      for (const callback of this.#callbacks) callback();
    };
    services.metadata.onChange(tell);
    tell();
  }
}

function notFormed(): CodedError {
  return new CodedError("CLUSTER_NOT_FORMED", "the cluster has not formed yet; try again");
}

function noCoordinator(): CodedError {
  const message = "this broker does not coordinate groups yet; try again";
  return new CodedError("COORDINATOR_NOT_AVAILABLE", message);
}

/** The coordinator's face before there is one. */
class LateCoordinator implements GroupCoordinator {
  readonly #current: () => GroupCoordinator | undefined;

  constructor(current: () => GroupCoordinator | undefined) {
    this.#current = current;
  }

  findCoordinator(groupId: string, options: { readonly timeoutMs: number }) {
    return this.#use((coordinator) => coordinator.findCoordinator(groupId, options));
  }

  openSession(send: Parameters<GroupCoordinator["openSession"]>[0]): MemberSession {
    const current = this.#current();
    if (current !== undefined) return current.openSession(send);
    return {
      handle: () => send({ type: "moved", error: noCoordinator() }),
      close: () => {},
    };
  }

  commitOffsets(commit: OffsetCommit) {
    return this.#use((coordinator) => coordinator.commitOffsets(commit));
  }

  fetchOffsets(groupId: string, partitions: readonly TopicPartitions[] | "all") {
    return this.#use((coordinator) => coordinator.fetchOffsets(groupId, partitions));
  }

  listGroups() {
    return this.#use((coordinator) => coordinator.listGroups());
  }

  describeGroup(groupId: string) {
    return this.#use((coordinator) => coordinator.describeGroup(groupId));
  }

  deleteGroup(groupId: string) {
    return this.#use((coordinator) => coordinator.deleteGroup(groupId));
  }

  #use<T>(call: (coordinator: GroupCoordinator) => Promise<T>): Promise<T> {
    const current = this.#current();
    return current === undefined ? Promise.reject(noCoordinator()) : call(current);
  }
}

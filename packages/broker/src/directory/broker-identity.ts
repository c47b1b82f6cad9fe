/**
 * What a data directory says of its owner: written once at the first start, and once more when
 * the cluster has formed.
 */
export interface BrokerIdentity {
  readonly brokerId: number;
  /** UUID drawn when the directory was made: a wiped directory is another identity. */
  readonly directoryId: string;
  /** Absent until this broker has become part of a cluster. */
  readonly clusterId: string | undefined;
}

/** The identity and its one change. */
export interface IdentityStore {
  readonly identity: BrokerIdentity;
  /**
   * Becomes part of a cluster, durably before it resolves. Harmless when it is the same one;
   * CLUSTER_ID_MISMATCH when the
   * directory belongs to another.
   */
  adoptCluster(clusterId: string): Promise<void>;
}

export { startTestCluster, TestCluster, type TestClusterOptions } from "./test-cluster.ts";

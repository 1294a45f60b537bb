/**
 * Starts the one embedded Postgres of a test run, in a process of its own. `run_cluster.ts` is how
 * a test gets at it.
 */
import { startKeeper } from "./keeper.ts";

/** Where the cluster answers. */
export interface Cluster {
  /** As `postgres`, the role that migrations run as. */
  url: string;
  /** As the superuser. */
  adminUrl: string;
  /** Why there is no migrated template database, when there is none. */
  templateError?: string;
  /** A data folder of Postgres, stopped, with the platform and the migrations: a stack's to copy. */
  stackData?: string;
}

/** The variable that carries the cluster, as JSON, to the processes of a test run. */
export const CLUSTER_VARIABLE = "FAREBOX_TEST_CLUSTER";

/** Starts a cluster that lives until `stop()` or the end of this process. Throws when it can't. */
export async function startCluster(): Promise<Cluster & { stop(): Promise<void> }> {
  const { process, kept } = await startKeeper<Cluster>("cluster_keeper.ts");
  process.unref();
  return {
    ...kept,
    async stop() {
      await process.stdin.close();
      await process.status;
    },
  };
}

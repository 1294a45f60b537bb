/**
 * The cluster of this test run: the one that `deno task test` started and passes on by the
 * environment; a file that is run alone starts its own. A module of its own, because to import it
 * is to have a cluster; at the top level, because inside a test the sanitizers would see a leak.
 */
import { type Cluster, CLUSTER_VARIABLE, startCluster } from "./cluster.ts";

const inherited = Deno.env.get(CLUSTER_VARIABLE);

/** Where it answers. */
export const cluster: Cluster = inherited === undefined
  ? await startCluster()
  : JSON.parse(inherited);

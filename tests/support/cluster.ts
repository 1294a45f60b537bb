/**
 * Starts the one embedded Postgres of a test run, in a process of its own. `run_cluster.ts` is how
 * a test gets at it.
 */
import { fileURLToPath } from "node:url";

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
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const keeper = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "tests/support/cluster_keeper.ts"],
    cwd: root,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  keeper.unref();
  const line = await firstLine(keeper.stdout);
  if (line === null) {
    throw new Error("Cannot start the test cluster: its keeper ended without a word");
  }
  const cluster: Cluster = JSON.parse(line);
  return {
    ...cluster,
    async stop() {
      await keeper.stdin.close();
      await keeper.status;
    },
  };
}

async function firstLine(stdout: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string | null> {
  let text = "";
  for await (const chunk of stdout.pipeThrough(new TextDecoderStream()).values()) {
    text += chunk;
    if (text.includes("\n")) return text;
  }
  return null;
}

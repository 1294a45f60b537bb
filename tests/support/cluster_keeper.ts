/**
 * The process that owns a test run's Postgres: it starts the cluster in a temporary folder, prints
 * one line of JSON (`Cluster`), and lives until its standard input closes. So the cluster is gone
 * when the run is, however the run ends, and a test's sanitizers never see a child process.
 */
import { join } from "node:path";
import { startPostgres } from "../../local/postgres.ts";
import type { Cluster } from "./cluster.ts";
import { buildStackData, buildTemplates } from "./template.ts";

const folder = await Deno.makeTempDir({ prefix: "farebox-test-" });
// PostgreSQL runs as another account when the tests run as root: it has to get in here.
await Deno.chmod(folder, 0o755);
const postgres = await startPostgres({ dataDir: folder, durable: false });
// Ctrl-C reaches the whole process group: wait for the tests to close standard input instead.
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => {});
try {
  const cluster: Cluster = { url: postgres.url, adminUrl: postgres.adminUrl };
  try {
    const stackData = join(folder, "stack");
    await Promise.all([buildTemplates(cluster), buildStackData(stackData)]);
    cluster.stackData = stackData;
  } catch (error) {
    // Tests that need no database still run; the others fail with this.
    cluster.templateError = error instanceof Error ? error.message : String(error);
  }
  console.log(JSON.stringify(cluster));
  for await (const _ of Deno.stdin.readable);
} finally {
  await postgres.stop();
  await Deno.remove(folder, { recursive: true });
}

/** A PostgreSQL of its own, set as a Supabase project's is, with the migrations in a template. */
import { createDatabaseFromTemplate, withDatabase } from "../../local/database.ts";
import { startPostgres } from "../../local/postgres.ts";
import { connect, type Sql } from "../../tests/support/connect.ts";
import { buildTemplates, TEMPLATE } from "../../tests/support/template.ts";
import { serverCpuSeconds } from "./server_cpu.ts";

/**
 * Of a project on Supabase's small compute (2 cores, 2 GB). Commits wait until they are on the disk:
 * `fsync`, `synchronous_commit` and `full_page_writes` are on, which is PostgreSQL's default.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: "512MB",
  effective_cache_size: "1536MB",
  max_wal_size: "4GB",
  checkpoint_completion_target: "0.9",
  wal_level: "logical",
};

export interface LedgerDatabase {
  /** As `postgres`. */
  readonly url: string;
  /** One connection as the superuser. */
  readonly admin: Sql;
}

export interface LedgerCluster {
  /** A migrated database without rows but the priced models. */
  create(name: string): Promise<LedgerDatabase>;
  /** CPU seconds of the server and all its processes so far; null where the system does not tell. */
  cpuSeconds(): Promise<number | null>;
  /** Settings that decide how durable a commit is. */
  durability(): Promise<Record<string, string>>;
  stop(): Promise<void>;
}

/** The caller stops it. */
export async function startLedgerCluster(): Promise<LedgerCluster> {
  const dataDir = await Deno.makeTempDir({ prefix: "farebox-bench-" });
  // PostgreSQL runs as another account when the bench runs as root: it has to get in here.
  await Deno.chmod(dataDir, 0o755);
  const first = await startPostgres({ dataDir });
  const set = connect(first.adminUrl, { max: 1 });
  for (const [name, value] of Object.entries(SETTINGS)) {
    await set.unsafe(`alter system set ${name} = '${value}'`);
  }
  await set.end();
  await first.stop();

  const postgres = await startPostgres({ dataDir });
  await buildTemplates(postgres);
  const admins: Sql[] = [];
  return {
    async create(name) {
      await createDatabaseFromTemplate(postgres.adminUrl, name, TEMPLATE);
      const admin = connect(withDatabase(postgres.adminUrl, name), { max: 1 });
      admins.push(admin);
      return { url: withDatabase(postgres.url, name), admin };
    },
    cpuSeconds: () => serverCpuSeconds(postgres.pid),
    async durability() {
      const rows = await admins[0]!`select name, setting from pg_settings where name in
        ('fsync', 'synchronous_commit', 'full_page_writes', 'wal_level', 'shared_buffers')`;
      return Object.fromEntries(rows.map((row) => [row["name"], row["setting"]]));
    },
    async stop() {
      await Promise.all(admins.map((admin) => admin.end({ timeout: 5 })));
      await postgres.stop();
      await Deno.remove(dataDir, { recursive: true });
    },
  };
}

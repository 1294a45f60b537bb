/** What is migrated once a run: the database and the data folder that the tests' own are copies of. */
import { fileURLToPath } from "node:url";
import { createDatabase, createDatabaseFromTemplate, withDatabase } from "../../local/database.ts";
import { migrate } from "../../local/migrate.ts";
import { preparePlatform } from "../../local/platform_schema.ts";
import { startPostgres } from "../../local/postgres.ts";
import type { Cluster } from "./cluster.ts";

/** Its name on the test cluster. */
export const TEMPLATE = "farebox_template";

/** The platform without any migration, for tests that migrate themselves. */
export const PLATFORM_TEMPLATE = "farebox_platform";

const MIGRATIONS = fileURLToPath(new URL("../../supabase/migrations", import.meta.url));

/** Creates both templates. @throws Error naming the migration that fails. */
export async function buildTemplates(cluster: Cluster): Promise<void> {
  await createDatabase(cluster.adminUrl, PLATFORM_TEMPLATE);
  await preparePlatform(withDatabase(cluster.adminUrl, PLATFORM_TEMPLATE));
  await createDatabaseFromTemplate(cluster.adminUrl, TEMPLATE, PLATFORM_TEMPLATE);
  await migrate(withDatabase(cluster.url, TEMPLATE), MIGRATIONS);
}

/**
 * Makes the data folder of a stack, as its first start would. To copy it takes a tenth of that.
 * @throws Error naming the migration that fails.
 */
export async function buildStackData(dataDir: string): Promise<void> {
  const postgres = await startPostgres({ dataDir, durable: false });
  try {
    await preparePlatform(postgres.adminUrl);
    await migrate(postgres.url, MIGRATIONS);
  } finally {
    await postgres.stop();
  }
}

/**
 * A database of its own for every test: platform, migrations, no rows but the priced models. Real
 * PostgreSQL, cloned from a template in a tenth of a second.
 *
 *     await withDatabase(async ({ sql }) => { … });
 */
import {
  createDatabaseFromTemplate,
  dropDatabase,
  withDatabase as withDatabaseName,
} from "../../local/database.ts";
import { cluster } from "./run_cluster.ts";
import { connect, type Sql } from "./connect.ts";
import { PLATFORM_TEMPLATE, TEMPLATE } from "./template.ts";

export interface TestDatabase {
  /** A pool as `postgres`, the owner of the tables, whom row security does not hold. */
  sql: Sql;
  /** A pool as `service_role`, which is what the functions are to the database. */
  service: Sql;
  /** Connection strings: as `postgres`, and as the superuser. */
  url: string;
  adminUrl: string;
  /** Ends the pools and drops the database. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** Connections that each pool may open; 10 unless told. Real ones, for concurrency tests. */
  connections?: number;
  /** False: a new project, to which no migration was applied. */
  migrated?: boolean;
}

const CONNECTIONS_DEFAULT = 10;

/** Creates a database. The caller must `close()` it; `withDatabase` does. */
export async function openDatabase(options: DatabaseOptions = {}): Promise<TestDatabase> {
  const migrated = options.migrated ?? true;
  if (migrated && cluster.templateError) {
    throw new Error(`There is no migrated database: ${cluster.templateError}`);
  }
  const name = `test_${crypto.randomUUID().replaceAll("-", "")}`;
  await createDatabaseFromTemplate(cluster.adminUrl, name, migrated ? TEMPLATE : PLATFORM_TEMPLATE);
  const url = withDatabaseName(cluster.url, name);
  const max = options.connections ?? CONNECTIONS_DEFAULT;
  const sql = connect(url, { max });
  const service = connect(url, { max, connection: { options: "-c role=service_role" } });
  return {
    sql,
    service,
    url,
    adminUrl: withDatabaseName(cluster.adminUrl, name),
    async close() {
      await Promise.all([sql.end({ timeout: 5 }), service.end({ timeout: 5 })]);
      await dropDatabase(cluster.adminUrl, name);
    },
  };
}

/** Runs `test` with a database that is dropped afterwards, whatever happened. */
export async function withDatabase<T>(
  test: (database: TestDatabase) => Promise<T>,
  options: DatabaseOptions = {},
): Promise<T> {
  const database = await openDatabase(options);
  try {
    return await test(database);
  } finally {
    await database.close();
  }
}

/** Databases of one cluster: names in connection strings, copies of a template. */
import postgres from "postgres";

/** The same connection string for another database of the cluster. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

/** The same connection string for another role; the stack's login roles share one password. */
export function withRole(url: string, role: string): string {
  const changed = new URL(url);
  changed.username = role;
  return changed.href;
}

/** Creates an empty database owned by role `postgres`. */
export async function createDatabase(adminUrl: string, name: string): Promise<void> {
  await run(adminUrl, `create database ${quoted(name)} owner postgres`);
}

/**
 * Creates `name` as a copy of `template`, in some tens of milliseconds. Nobody may be connected to
 * the template: close every connection that prepared it first.
 */
export async function createDatabaseFromTemplate(
  adminUrl: string,
  name: string,
  template: string,
): Promise<void> {
  // file_copy beats the default wal_log for a template of a few megabytes on a server without fsync.
  await run(
    adminUrl,
    `create database ${quoted(name)} owner postgres template ${
      quoted(template)
    } strategy file_copy`,
  );
  // A database's own settings are not copied with it.
  await run(
    adminUrl,
    `alter database ${quoted(name)} set search_path = "$user", public, extensions`,
  );
}

/** Drops the database, disconnecting whoever is there. No error when it does not exist. */
export async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  await run(adminUrl, `drop database if exists ${quoted(name)} with (force)`);
}

async function run(adminUrl: string, statement: string): Promise<void> {
  const sql = postgres(withDatabase(adminUrl, "postgres"), { max: 1, onnotice: () => {} });
  try {
    await sql.unsafe(statement).simple();
  } finally {
    await sql.end();
  }
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

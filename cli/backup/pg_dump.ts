/** `pg_dump`, where it is installed and not older than the server, which it refuses otherwise. */
import { BackupProblem } from "./format.ts";

/** It can be used, or why it cannot: half a sentence. */
export type PgDump = { kind: "usable" } | { kind: "unusable"; why: string };

/** @param serverVersion `server_version_num`, such as 170002. */
export async function findPgDump(serverVersion: number): Promise<PgDump> {
  const serverMajor = Math.floor(serverVersion / 10_000);
  let said: string;
  try {
    const { stdout } = await new Deno.Command("pg_dump", { args: ["--version"] }).output();
    said = new TextDecoder().decode(stdout);
  } catch {
    return { kind: "unusable", why: "pg_dump is not installed" };
  }
  const major = Number(/\b(\d+)(\.|\w|$)/.exec(said)?.[1] ?? 0);
  if (major >= serverMajor) return { kind: "usable" };
  return {
    kind: "unusable",
    why: `pg_dump ${major} is older than the server, which is PostgreSQL ${serverMajor}`,
  };
}

/**
 * The tables' rows as `pg_dump --data-only` writes them, as of the exported snapshot.
 * @throws BackupProblem with pg_dump's own words when it fails.
 */
export async function* runPgDump(
  url: string,
  tables: readonly string[],
  snapshot: string,
): AsyncGenerator<Uint8Array> {
  const child = new Deno.Command("pg_dump", {
    args: [
      "--data-only",
      "--no-owner",
      "--encoding=UTF8",
      `--snapshot=${snapshot}`,
      ...tables.map((table) => `--table=${table}`),
    ],
    env: connectionVariables(url),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const complaints = new Response(child.stderr).text();
  yield* child.stdout;
  const { success } = await child.status;
  if (!success) throw new BackupProblem(`pg_dump failed: ${(await complaints).trim()}`);
  await complaints;
}

/** By environment: everybody on the machine sees a program's arguments. */
function connectionVariables(url: string): Record<string, string> {
  const { hostname, port, username, password, pathname, searchParams } = new URL(url);
  const sslMode = searchParams.get("sslmode");
  return {
    PGHOST: hostname.replace(/^\[|\]$/g, ""),
    PGPORT: port || "5432",
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: decodeURIComponent(pathname.slice(1)) || "postgres",
    ...(sslMode === null ? {} : { PGSSLMODE: sslMode }),
  };
}

/** A connection to the database itself, for what the Data API cannot do; its errors as sentences. */
import postgres from "postgres";
import { BadArgument } from "../arguments.ts";
import { type TargetOptions } from "../target.ts";
import { BackupProblem } from "./format.ts";

export type Sql = postgres.Sql;
export type Transaction = postgres.TransactionSql;

/**
 * Which database was named: by option, by environment, or by the local stack that runs, where no
 * project was named either. Null where none was.
 */
export async function findDatabaseUrl(options: TargetOptions): Promise<string | null> {
  const read = (name: string) => Deno.env.get(name)?.trim() || undefined;
  const named = options.dbUrl ?? read("SUPABASE_DB_URL");
  if (named !== undefined) return named;
  if ((options.url ?? read("SUPABASE_URL")) !== undefined) return null;
  try {
    return JSON.parse(await Deno.readTextFile(`${options.data}/run.json`)).dbUrl ?? null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The same, for a command that can do nothing without one. */
export async function requireDatabaseUrl(options: TargetOptions, what: string): Promise<string> {
  const url = await findDatabaseUrl(options);
  if (url !== null) {
    parsed(url);
    return url;
  }
  throw new BadArgument(
    `${what} needs a connection to the database itself: give --db-url, or set SUPABASE_DB_URL. ` +
      "The dashboard has the string under Connect.",
  );
}

/** Where a connection string leads, for people: without its password. */
export function placeOf(url: string): string {
  const { hostname, port, pathname, username } = parsed(url);
  return `${decodeURIComponent(username)}@${hostname}${port && `:${port}`}${pathname}`;
}

/**
 * Runs `work` on one connection and ends it.
 * @throws BadArgument where `url` is none. @throws BackupProblem when the database cannot be reached or refuses its user.
 */
export async function onDatabase<T>(url: string, work: (sql: Sql) => Promise<T>): Promise<T> {
  parsed(url);
  // Poolers in transaction mode keep no prepared statements.
  const sql = postgres(url, {
    max: 1,
    prepare: false,
    connect_timeout: 20,
    onnotice: () => {},
    connection: { application_name: "farebox" },
  });
  try {
    try {
      await sql`select`;
    } catch (error) {
      throw new BackupProblem(`Cannot connect to ${placeOf(url)}: ${whyNot(error)}.`);
    }
    return await work(sql);
  } catch (error) {
    throw sentenceOf(error);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Long work in one transaction: nothing but a lock that somebody else holds may end it. */
export const PATIENT_SQL = `
  set local statement_timeout = 0;
  set local idle_in_transaction_session_timeout = 0;
  set local lock_timeout = '60s';
`;

function parsed(url: string): URL {
  const address = URL.parse(url);
  if (address !== null && /^postgres(ql)?:$/.test(address.protocol)) return address;
  throw new BadArgument(
    "That is not a connection string: it is like postgresql://postgres:<password>@<host>:5432/" +
      "postgres; the dashboard has it under Connect.",
  );
}

function whyNot(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "28P01" || code === "28000") return "the user or the password is wrong";
  if (code === "3D000") return "it has no such database";
  if (code === "ECONNREFUSED") return "nothing listens there";
  if (code === "ENOTFOUND") return "there is no such host";
  return code || "no answer";
}

/** What a person can do about an error of PostgreSQL. */
function sentenceOf(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  const sentences: Record<string, string> = {
    "42883":
      "This database has not the functions that a backup needs: apply Farebox's migrations first, with " +
      "`supabase db push`.",
    "42501": `The user of this connection may not do that (${error.message}): connect as postgres.`,
    "55P03": "Somebody holds a lock on Farebox's tables. Nothing was done: try again.",
    "40P01": "A deadlock with a running request. Nothing was done: try again.",
    CONNECTION_CLOSED: "The connection was lost. Nothing was done: try again.",
  };
  const sentence = sentences[String(error.code)];
  return sentence === undefined ? error : new BackupProblem(sentence, { cause: error });
}

/** What a database test says to the ledger: who it is, whom it creates, which function it calls. */
import postgres from "postgres";
import type { Query, Sql } from "./connect.ts";

/** The claims of a JWT as PostgREST hands them to Postgres. */
export interface Claims {
  sub?: string;
  is_anonymous?: boolean;
  [claim: string]: unknown;
}

/** How the claims reach `auth.uid()`: PostgREST 9 and later, or the GUC of the original guide. */
export type ClaimStyle = "request.jwt.claims" | "request.jwt.claim.sub";

/** Runs `run` in a transaction as `role`, holding `claims`, as the Data API would. */
export function asRole<T>(
  sql: Sql,
  role: "anon" | "authenticated" | "service_role",
  claims: Claims,
  run: (sql: postgres.TransactionSql) => Promise<T>,
  style: ClaimStyle = "request.jwt.claims",
): Promise<T> {
  const value = style === "request.jwt.claims"
    ? JSON.stringify({ role, ...claims })
    : claims.sub ?? "";
  return sql.begin(async (transaction) => {
    await transaction`select set_config(${style}, ${value}, true), set_config('role', ${role}, true)`;
    return await run(transaction);
  }) as Promise<T>;
}

/** Inserts a row into `auth.users`, as Auth does at sign-up, and answers its id. */
export async function createUser(
  sql: Query,
  options: { id?: string; email?: string; isAnonymous?: boolean } = {},
): Promise<string> {
  const id = options.id ?? crypto.randomUUID();
  const email = options.isAnonymous ? null : options.email ?? `${id}@example.com`;
  await sql`insert into auth.users (id, email, is_anonymous)
    values (${id}, ${email}, ${options.isAnonymous ?? false})`;
  return id;
}

/** Calls `public.<name>` with named arguments; `T` is the shape of the jsonb that it answers. */
export async function call<T = Record<string, unknown>>(
  sql: Query,
  name: string,
  args: Record<string, string | number | boolean | null> = {},
): Promise<T> {
  const names = Object.keys(args).map((key, index) => `${key} => $${index + 1}`);
  const rows = await sql.unsafe(
    `select public.${name}(${names.join(", ")}) as answer`,
    Object.values(args),
  );
  return rows[0]?.["answer"] as T;
}

/** A refusal of the ledger: `PTnnn` with a code and its evidence. */
export interface LedgerRefusal {
  sqlstate: string;
  code: string;
  message: string;
  evidence: Record<string, unknown>;
}

/** The refusal that `promise` ends in. Throws when it succeeds or fails in any other way. */
export async function refusalOf(promise: Promise<unknown>): Promise<LedgerRefusal> {
  const error = await promise.then(
    (answer) => new Error(`Expected a refusal, got ${JSON.stringify(answer)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof postgres.PostgresError) || !/^PT\d{3}$/.test(error.code)) throw error;
  const { code, ...evidence } = JSON.parse(error.detail ?? "{}");
  return { sqlstate: error.code, code, message: error.message, evidence };
}

/** Asserts nothing is wrong with the books; throws with each violation. */
export async function assertReconciled(sql: Query): Promise<void> {
  const { violations } = await call<{ violations: unknown[] }>(sql, "reconcile");
  if (violations.length > 0) {
    throw new Error(`reconcile() found: ${JSON.stringify(violations, null, 2)}`);
  }
}

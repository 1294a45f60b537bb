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

/** Arguments of a function of the ledger by name; lists become arrays, objects and lists of them JSON. */
export type Args = Record<string, string | number | boolean | null | readonly string[] | object>;

/** Calls `public.<name>` with named arguments; `T` is the shape of the jsonb that it answers. */
export async function call<T = Record<string, unknown>>(
  sql: Query,
  name: string,
  args: Args = {},
): Promise<T> {
  const names = Object.keys(args).map((key, index) => `${key} => $${index + 1}`);
  const rows = await sql.unsafe(
    `select public.${name}(${names.join(", ")}) as answer`,
    Object.values(args) as postgres.ParameterOrJSON<never>[],
  );
  return rows[0]?.["answer"] as T;
}

/** A reservation to ask for: by default of the user, for `openai:gpt-4o`, 100 tokens each way. */
export interface Ask {
  requestId?: string;
  userId?: string;
  guest?: { tokenId: string; addressHash: string };
  provider?: string;
  model?: string;
  inputTokensMax?: number;
  outputTokensMax?: number | null;
  idempotencyKey?: string;
  requestHash?: string;
  enforcement?: "enforce" | "observe" | "off";
  /** Whether the answer streams; true unless told. */
  canExtend?: boolean;
  /** Who may answer instead, `provider:model` each. */
  fallbackModels?: readonly string[];
  withMedia?: boolean;
  webSearchesMax?: number;
}

/** Calls `reserve`. Answers the request's id beside what the ledger said. */
export async function reserve(
  sql: Query,
  ask: Ask,
): Promise<{ requestId: string; held: Record<string, unknown> }> {
  const requestId = ask.requestId ?? crypto.randomUUID();
  const held = await call(sql, "reserve", {
    p_request_id: requestId,
    p_user_id: ask.userId ?? null,
    p_guest_token_id: ask.guest?.tokenId ?? null,
    p_guest_address_hash: ask.guest?.addressHash ?? null,
    p_guest_limit: ask.guest ? 3 : null,
    p_provider_id: ask.provider ?? "openai",
    p_model_id: ask.model ?? "gpt-4o",
    p_input_tokens_max: ask.inputTokensMax ?? 100,
    p_output_tokens_max: ask.outputTokensMax === undefined ? 100 : ask.outputTokensMax,
    p_chat_id: null,
    p_idempotency_key: ask.idempotencyKey ?? null,
    p_request_hash: ask.requestHash ?? null,
    p_enforcement: ask.enforcement ?? "enforce",
    p_can_extend: ask.canExtend ?? true,
    p_fallback_models: ask.fallbackModels ?? null,
    p_with_media: ask.withMedia ?? false,
    p_web_searches_max: ask.webSearchesMax ?? 0,
  });
  return { requestId, held };
}

/** Calls `settle` with input and output tokens, and whatever `more` names. */
export function settle(
  sql: Query,
  requestId: string,
  inputTokens: number,
  outputTokens: number,
  basis: "reported" | "estimated" | "checkpoint" = "reported",
  more: Args = {},
): Promise<Record<string, unknown>> {
  return call(sql, "settle", {
    p_request_id: requestId,
    p_input_tokens: inputTokens,
    p_cache_read_tokens: 0,
    p_cache_write_5m_tokens: 0,
    p_cache_write_1h_tokens: 0,
    p_output_tokens: outputTokens,
    p_basis: basis,
    ...more,
  });
}

/** What `user_balances` says, as canonical decimal strings. */
export async function accountOf(
  sql: Query,
  userId: string,
): Promise<{ balance: string; reserved: string }> {
  const rows = await sql<{ balance: string; reserved: string }[]>`
    select trim_scale(balance)::text as balance, trim_scale(reserved)::text as reserved
    from public.user_balances where user_id = ${userId}`;
  return rows[0] ?? { balance: "0", reserved: "0" };
}

/** Lets a reservation's worker be dead for longer than its expiry. */
export async function forgetHeartbeats(sql: Query, requestId?: string): Promise<void> {
  await sql`update billing.reservations set expires_at = now() - interval '1 second'
    where state = 'open' and request_id = coalesce(${requestId ?? null}, request_id)`;
}

/** A refusal of the ledger: `PTnnn` with a code and its evidence. */
export interface LedgerRefusal {
  sqlstate: string;
  code: string;
  message: string;
  /** What to do. */
  hint: string;
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
  const { message, hint = "" } = error;
  return { sqlstate: error.code, code, message, hint, evidence };
}

/** Asserts nothing is wrong with the books; throws with each violation. */
export async function assertReconciled(sql: Query): Promise<void> {
  const { violations } = await call<{ violations: unknown[] }>(sql, "reconcile");
  if (violations.length > 0) {
    throw new Error(`reconcile() found: ${JSON.stringify(violations, null, 2)}`);
  }
}

/** A ledger with one of everything, and all that it says: for what must bring it back as it was. */
import { assertEquals } from "@std/assert";
import type { Sql } from "./connect.ts";
import type { TestDatabase } from "./database.ts";
import { call, createUser, forgetHeartbeats, reserve, settle } from "./ledger_calls.ts";

/** What a line of text can do to a file that is made of lines. */
export const ODD_TEXT = 'tab\t line\n return\r back\\slash \\. \\N "quotes" {"x":1} ☕ 𝔘';

/**
 * Users, guests, credits of each kind, charges of each kind, and whatever else is in a table.
 * @returns the ids of the users.
 */
export async function fillLedger(
  { sql, service }: Pick<TestDatabase, "sql" | "service">,
): Promise<string[]> {
  const users = [await createUser(sql), await createUser(sql), await createUser(sql)];
  const [userId] = users as [string];
  await createUser(sql, { isAnonymous: true });
  await call(service, "grant_credit", {
    p_user_id: userId,
    p_amount: "1234567.0000000001",
    p_kind: "top_up",
    p_key: "top-up",
    p_note: ODD_TEXT,
  });
  await call(service, "grant_credit", {
    p_user_id: userId,
    p_amount: "-0.5",
    p_kind: "adjustment",
    p_key: "adjustment",
    p_note: null,
  });
  const charged = await reserve(service, { userId, idempotencyKey: "k", requestHash: "h" });
  await settle(service, charged.requestId, 33, 77, "reported", { p_finish: "stop" });
  await call(service, "refund", {
    p_request_id: charged.requestId,
    p_amount: "0.0000000003",
    p_key: "refund",
    p_reason: "slow",
  });
  await chargeBeyondText(service, userId);

  const guest = { tokenId: "guest", addressHash: "address" };
  await settle(service, (await reserve(service, { guest })).requestId, 5, 6);

  // Two whose workers die, of which one is told the truth later.
  for (const isCorrected of [true, false]) {
    const { requestId } = await reserve(service, { userId: users[1]! });
    await call(service, "extend", {
      p_request_id: requestId,
      p_output_tokens_total: 100,
      p_input_tokens: 100,
      p_output_tokens: 40,
    });
    await forgetHeartbeats(sql, requestId);
    await call(service, "expire");
    if (isCorrected) await settle(service, requestId, 100, 90);
  }
  await call(service, "release", {
    p_request_id: (await reserve(service, { userId })).requestId,
    p_reason: "upstream_error",
  });
  await reserve(service, { userId: users[2]! });
  await reserve(service, { guest: { tokenId: "other", addressHash: "address" } });

  await call(service, "record_incident", {
    p_kind: "drift",
    p_user_id: userId,
    p_request_id: null,
    p_details: sql.json({ text: ODD_TEXT }) as never,
  });
  await sql`insert into public.chat_exchanges
      (request_id, user_id, chat_id, dialect, model, request, answer, response, response_type)
    values (${charged.requestId}, ${userId}, 'chat', 'openai-chat', 'openai:gpt-4o',
      ${sql.json({ text: ODD_TEXT })}, ${ODD_TEXT}, ${new Uint8Array([0, 9, 10, 92, 255])},
      'text/event-stream')`;
  await sql`insert into public.balance_notices (user_id, kind, balance, threshold)
    values (${userId}, 'low_balance', 0.9999999999, 1)`;
  // More than two pages of a backup, by keys that have no order of their own.
  await call(service, "remember_stored_items", {
    p_user_id: userId,
    p_ids: Array.from({ length: 2_500 }, (_, at) => `msg_${at}`),
  });
  await sql`update billing.settings set markup_basis_points = 7,
    blocked_email_domains = ${["a,b.example", 'c"d.example', "NULL"]}`;
  await sql`update public.model_pricing set input_per_1k = 0.0030001 where model_id = 'gpt-4o'`;
  return users;
}

async function chargeBeyondText(service: Sql, userId: string): Promise<void> {
  const { requestId } = await reserve(service, {
    userId,
    fallbackModels: ["openai:gpt-4.1", "google:gemini-2.5-flash-lite"],
    withMedia: true,
    webSearchesMax: 2,
  });
  const nothing = { cache_read: 0, cache_write_5m: 0, cache_write_1h: 0 };
  await settle(service, requestId, 60, 50, "reported", {
    p_model: "openai:gpt-4.1",
    p_input_audio_tokens: 10,
    p_web_searches: 1,
    p_other_models: [{ model: "gpt-4o-mini", ...nothing, input: 7, output: 11 }],
    p_provider_cost: "0.001",
    p_flags: ["total_mismatch"],
  });
}

/** Tables of Farebox, by name: those of billing, and those of public that the platform has not. */
export async function tablesOf(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select n.nspname || '.' || c.relname as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname in ('public', 'billing') order by 1`;
  return rows.map(({ name }) => name);
}

/** Every row of every table as text, every receipt, and where the sequences stand. */
export async function everythingOf(sql: Sql): Promise<Record<string, string[]>> {
  const all: Record<string, string[]> = {};
  for (const name of await tablesOf(sql)) {
    const rows = await sql.unsafe(`select t::text as row from ${name} t order by 1`);
    all[name] = rows.map((row) => row["row"]);
  }
  const receipts = await sql`
    select billing.receipt(null, request_id)::text as receipt from public.usage_records
    where sequence = 0 order by request_id`;
  all["receipts"] = receipts.map((row) => row["receipt"]);
  const sequences = await sql`
    select schemaname || '.' || sequencename || ' ' || coalesce(last_value, 0) as state
    from pg_sequences where schemaname in ('public', 'billing') order by 1`;
  all["sequences"] = sequences.map((row) => row["state"]);
  return all;
}

/** Compares table by table, so that a failure shows the table. */
export function assertSame(
  actual: Record<string, string[]>,
  expected: Record<string, string[]>,
): void {
  assertEquals(Object.keys(actual), Object.keys(expected));
  for (const [name, rows] of Object.entries(expected)) assertEquals(actual[name], rows, name);
}

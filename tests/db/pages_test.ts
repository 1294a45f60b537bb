/** Lists page by page: every row once, also where several were written in one microsecond. */
import { assertEquals } from "@std/assert";
import type { Query } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import { call, createUser, refusalOf } from "../support/ledger_calls.ts";

const ROWS = 7;
/** Sent as text: a Date has only milliseconds. Three of the seven rows share one microsecond, and two another. */
const TIMES = [0, 1, 1, 1, 2, 3, 3].map((n) => `2026-11-22 12:00:00.00000${n}+00`);

/** What `list` answers, page after page of two, until there is no next one. */
async function pagesOf(
  sql: Query,
  list: string,
  rows: "records" | "transactions",
  userId: string,
): Promise<Record<string, unknown>[][]> {
  const pages: Record<string, unknown>[][] = [];
  for (let before: string | null = null; pages.length <= ROWS;) {
    const page: Record<string, unknown> = await call(sql, list, {
      p_user_id: userId,
      p_limit: 2,
      p_before: before,
    });
    pages.push(page[rows] as Record<string, unknown>[]);
    before = page["next_before"] as string | null;
    if (before === null) return pages;
  }
  throw new Error(`${list} does not end`);
}

Deno.test("charges of one microsecond are all listed, once, whatever the page ends between", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    for (const at of TIMES) {
      await sql`
        insert into public.usage_records (
          request_id, user_id, provider_id, model_id, price_version, input_tokens, output_tokens,
          cost, collected, uncollected, basis, created_at
        ) values (gen_random_uuid(), ${userId}, 'openai', 'gpt-4o', 1, 1, 1, 0, 0, 0, 'reported', ${at}::text::timestamptz)`;
    }
    // A correction has the request id of its charge, and here its microsecond too.
    await sql`
      insert into public.usage_records
      select (jsonb_populate_record(u, '{"sequence": 1}')).* from public.usage_records u
      where user_id = ${userId} and created_at = ${TIMES[0]!}::text::timestamptz`;
    const listed = (await pagesOf(service, "usage_list", "records", userId)).flat();
    const ids = new Set(listed.map((row) => `${row["request_id"]} ${row["kind"]}`));
    assertEquals([listed.length, ids.size], [ROWS + 1, ROWS + 1]);
    const times = listed.map((row) => String(row["created_at"]));
    assertEquals(times, times.toSorted().toReversed());
  }));

Deno.test("credits of one microsecond are all listed, once, the latest first", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set welcome_credit = 0`;
    const userId = await createUser(sql);
    for (const [n, at] of TIMES.entries()) {
      await sql`
        insert into public.balance_transactions (
          user_id, kind, amount, balance_after, idempotency_key, created_at
        ) values (${userId}, 'grant', 1, 1, ${`page:${n}`}, ${at}::text::timestamptz)`;
    }
    const pages = await pagesOf(service, "transactions_list", "transactions", userId);
    assertEquals(pages.map((page) => page.length), [2, 2, 2, 1]);
    const ids = pages.flat().map((row) => Number(row["id"]));
    assertEquals(new Set(ids).size, ROWS);
    assertEquals(ids, ids.toSorted((a, b) => b - a));
  }));

Deno.test("a bad cursor is INVALID_ARGUMENT, also for who has no rows", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const cursors = ["", "abc", "1", "1.", ".1", "-1.a", "1.a.b", `${"9".repeat(19)}.a`, "1.'--"];
    for (const list of ["usage_list", "transactions_list"]) {
      for (const cursor of cursors) {
        const refusal = await refusalOf(
          call(service, list, { p_user_id: userId, p_limit: 2, p_before: cursor }),
        );
        assertEquals([cursor, refusal.sqlstate, refusal.code], [
          cursor,
          "PT400",
          "INVALID_ARGUMENT",
        ]);
      }
    }
  }));

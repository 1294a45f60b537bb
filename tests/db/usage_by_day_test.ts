/** Charges are found by their day: nothing at the edge of one may be lost, or come in from beyond. */
import { assertEquals } from "@std/assert";
import { connect } from "../support/connect.ts";
import { type TestDatabase, withDatabase } from "../support/database.ts";
import { call, createUser } from "../support/ledger_calls.ts";

const MIDNIGHTS = ["2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z"];
/** Where lists and sums begin and end here. */
const EDGES = [null, "2026-02-28T23:59:59.999999Z", ...MIDNIGHTS, "2026-03-02T12:00:00+12:00"];

/** A charge of 0.001 before, at and after each midnight; answers how many there are. */
async function fill(sql: TestDatabase["sql"], userId: string, chatId: string): Promise<number> {
  const rows = await sql`
    insert into public.usage_records (
      request_id, user_id, chat_id, provider_id, model_id, price_version, input_tokens,
      output_tokens, cost, collected, uncollected, basis, created_at
    )
    select gen_random_uuid(), ${userId}, ${chatId}, 'openai', 'gpt-4o', 1, 10, 10, 0.001, 0.001, 0,
      'reported', m::timestamptz + n * interval '1 microsecond'
    from unnest(${MIDNIGHTS}::text[]) m, generate_series(-1, 1) n
    returning 1`;
  return rows.length;
}

Deno.test("a list, a sum and a chat's cost have each charge of their time once, at midnight too, in a session of any time zone", () =>
  withDatabase(async ({ sql, url }) => {
    const [userId, other] = [await createUser(sql), await createUser(sql)];
    const all = await fill(sql, userId, "chat");
    await fill(sql, other, "chat");
    await fill(sql, userId, "another chat");
    const away = connect(url, {
      max: 1,
      connection: { TimeZone: "Pacific/Kiritimati" },
    });
    try {
      for (const p_from of EDGES) {
        for (const p_to of EDGES) {
          const [expected] = await sql<{ requests: number }[]>`
            select count(*)::int as requests from public.usage_records
            where user_id = ${userId} and created_at >= coalesce(${p_from}::timestamptz, '-infinity')
              and created_at < coalesce(${p_to}::timestamptz, 'infinity')`;
          const { requests } = expected!;
          assertEquals(await pages(away, { p_user_id: userId, p_from, p_to }), requests);
          const { total } = await call<{ total: { requests: number } }>(away, "usage_summary", {
            p_user_id: userId,
            p_by: "model",
            p_from,
            p_to,
          });
          assertEquals(total.requests, requests, `${p_from} to ${p_to}`);
        }
      }
      const chat = await call(away, "chat_cost", { p_user_id: userId, p_chat_id: "chat" });
      assertEquals([chat["requests"], chat["cost"]], [all, `0.00${all}`]);
    } finally {
      await away.end();
    }
  }));

/** How many records all pages have, each of them once. */
async function pages(
  sql: TestDatabase["sql"],
  range: { p_user_id: string; p_from: string | null; p_to: string | null },
): Promise<number> {
  const seen = new Set<string>();
  let count = 0;
  for (let before: string | null = null;;) {
    const page: { records: { request_id: string }[]; next_before: string | null } = await call(
      sql,
      "usage_list",
      { ...range, p_limit: 4, p_before: before },
    );
    for (const { request_id } of page.records) seen.add(request_id);
    count += page.records.length;
    before = page.next_before;
    if (before === null) break;
  }
  assertEquals(seen.size, count, "each once");
  return count;
}

/** A connection's plans are those of the day it was opened: an empty ledger's must serve a full one. */
import { assertEquals } from "@std/assert";
import type { Sql } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import { call, createUser, reserve, settle } from "../support/ledger_calls.ts";

/** A prepared statement's plan is kept from its sixth time on. */
const PAIRS = 12;

Deno.test("a connection that began on an empty ledger finds reservations, charges and accounts by their keys", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    await sql`vacuum analyze`;
    // Within one transaction, whose scans can be counted.
    await service`begin`;
    // There is no page to read yet, so it does not matter how.
    await oneOfEach(service, userId);
    const before = await tableScans(service);
    for (let n = 0; n < PAIRS; n++) await oneOfEach(service, userId);
    assertEquals(await tableScans(service), before);
    await service`rollback`;
  }, { connections: 1 }));

/** A request that is extended and settled, and one that is released. */
async function oneOfEach(service: Sql, userId: string): Promise<void> {
  const { requestId } = await reserve(service, { userId });
  await call(service, "extend", {
    p_request_id: requestId,
    p_output_tokens_total: 2000,
    p_input_tokens: 10,
    p_output_tokens: 10,
  });
  await settle(service, requestId, 10, 10);
  const { requestId: second } = await reserve(service, { userId });
  await call(service, "release", { p_request_id: second, p_reason: "empty_answer" });
}

/** How often this transaction has read a table from its beginning to its end. */
async function tableScans(service: Sql): Promise<Record<string, number>> {
  const [scans] = await service`
    select
      pg_stat_get_xact_numscans('billing.reservations'::regclass)::int as reservations,
      pg_stat_get_xact_numscans('public.usage_records'::regclass)::int as charges,
      pg_stat_get_xact_numscans('public.user_balances'::regclass)::int as accounts`;
  return { ...scans };
}

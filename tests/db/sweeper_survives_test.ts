/** Whatever is set or fails beside it, the sweeper closes what is past its expiry. */
import { assertEquals, assertMatch } from "@std/assert";
import { withDatabase } from "../support/database.ts";
import {
  accountOf,
  assertReconciled,
  call,
  createUser,
  forgetHeartbeats,
  refusalOf,
  reserve,
} from "../support/ledger_calls.ts";

Deno.test("a time that would stop the sweeper cannot be set, and the largest one that can does not stop it", () =>
  withDatabase(async ({ sql, service }) => {
    const largest = {
      reservation_retention_hours: 87_600,
      incident_retention_days: 36_500,
      chat_history_days: 36_500,
      guest_window_hours: 8_760,
    };
    for (const [name, value] of Object.entries(largest)) {
      const refusal = await refusalOf(
        call(service, "settings_write", { p_changes: { [name]: value + 1 } }),
      );
      assertEquals(refusal.code, "INVALID_ARGUMENT", name);
      assertMatch(
        refusal.message,
        /^Cannot change the settings: then "\w+( \w+)+ is plausible" would/,
      );
    }
    await call(service, "settings_write", { p_changes: largest });
    const userId = await createUser(sql);
    await reserve(service, { userId });
    await forgetHeartbeats(sql);
    await call(service, "expire");
    assertEquals((await accountOf(sql, userId)).reserved, "0");
    await assertReconciled(sql);
  }));

Deno.test("reservations cannot be set to expire between two heartbeats", () =>
  withDatabase(async ({ service }) => {
    const write = (seconds: number) =>
      call(service, "settings_write", { p_changes: { reservation_ttl_seconds: seconds } });
    assertMatch((await refusalOf(write(44))).message, /requests that are running would expire/);
    await write(45);
  }));

Deno.test("where pruning fails the sweep stands, and an incident says so once an hour", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    await sql`
      create or replace function billing.prune_all(p_limit integer) returns void
      language plpgsql as $$ begin raise exception 'no room'; end $$`;
    for (let i = 0; i < 2; i++) {
      await reserve(service, { userId });
      await forgetHeartbeats(sql);
      await call(service, "expire");
      assertEquals((await accountOf(sql, userId)).reserved, "0");
    }
    const incidents = await sql`
      select details ->> 'error' as error from billing.incidents where kind = 'prune_failed'`;
    assertEquals(incidents.map((row) => row["error"]), ["no room"]);
  }));

Deno.test("a sweep that is cancelled while it prunes stands all the same", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    await sql`
      create or replace function billing.prune_all(p_limit integer) returns void
      language plpgsql as $$ begin raise query_canceled; end $$`;
    await reserve(service, { userId });
    await forgetHeartbeats(sql);
    await call(service, "expire");
    assertEquals((await accountOf(sql, userId)).reserved, "0");
    const incidents = await sql`
      select details ->> 'sqlstate' as state from billing.incidents where kind = 'prune_failed'`;
    assertEquals(incidents.map((row) => row["state"]), ["57014"]);
  }));

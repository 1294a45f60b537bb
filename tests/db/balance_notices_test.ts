import { assertEquals } from "@std/assert";
import { passMinutes } from "../support/alerts.ts";
import { connect, type Query } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import {
  asRole,
  assertReconciled,
  call,
  createUser,
  refusalOf,
  reserve,
  settle,
} from "../support/ledger_calls.ts";

/** A credit, or with a minus a debit. */
const adjust = (sql: Query, userId: string, amount: string) =>
  call(sql, "grant_credit", {
    p_user_id: userId,
    p_amount: amount,
    p_kind: "adjustment",
    p_key: crypto.randomUUID(),
  });

async function noticesOf(sql: Query, userId: string): Promise<[kind: string, balance: string][]> {
  const rows = await sql`select kind, trim_scale(balance)::text as balance
    from balance_notices where user_id = ${userId} order by id`;
  return rows.map((row) => [row["kind"], row["balance"]]);
}

Deno.test("a balance that falls below the threshold makes one notice, and the next only after it rose above", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    await adjust(service, userId, "-9");
    assertEquals(await noticesOf(sql, userId), [], "1 is not below 1");
    await adjust(service, userId, "-0.0000000001");
    await adjust(service, userId, "-0.5");
    assertEquals(await noticesOf(sql, userId), [["low_balance", "0.9999999999"]]);
    await adjust(service, userId, "0.4");
    await adjust(service, userId, "-0.4");
    assertEquals((await noticesOf(sql, userId)).length, 1, "it did not rise above");
    await adjust(service, userId, "5");
    await adjust(service, userId, "-5");
    assertEquals((await noticesOf(sql, userId)).length, 2);
  }));

Deno.test("a charge makes the notice, a reservation does not, and a fall through both thresholds makes the graver", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    await adjust(service, userId, "-8.9995");
    const { requestId } = await reserve(service, { userId });
    assertEquals(await noticesOf(sql, userId), []);
    // 100 × 0.0025 + 100 × 0.01, per thousand.
    await settle(service, requestId, 100, 100);
    assertEquals(await noticesOf(sql, userId), [["low_balance", "0.99925"]]);
    await adjust(service, userId, "9.00075");
    await adjust(service, userId, "-9.995");
    assertEquals(await noticesOf(sql, userId), [
      ["low_balance", "0.99925"],
      ["empty", "0.005"],
    ]);
    await assertReconciled(sql);
  }));

Deno.test("the threshold is a setting that counts at once, and null silences", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    await sql`update billing.settings set low_balance_threshold = null`;
    await adjust(service, userId, "-9.999");
    assertEquals(await noticesOf(sql, userId), []);
    await adjust(service, userId, "9");
    await sql`update billing.settings set low_balance_threshold = 5`;
    await adjust(service, userId, "-6");
    assertEquals(await noticesOf(sql, userId), [["low_balance", "3.001"]]);
  }));

Deno.test("a notice that cannot be written fails no charge", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    await adjust(service, userId, "-8.9995");
    const { requestId } = await reserve(service, { userId });
    await sql`drop table balance_notices`;
    assertEquals((await settle(service, requestId, 100, 100))["balance"], "0.99925");
    await assertReconciled(sql);
  }));

Deno.test("a user reads the own notices alone, and writes none", () =>
  withDatabase(async ({ sql, service }) => {
    const [ada, bob] = [await createUser(sql), await createUser(sql)];
    for (const userId of [ada, bob]) await adjust(service, userId, "-9.5");
    const seen = await asRole(
      sql,
      "authenticated",
      { sub: ada },
      (as) => as`select user_id from public.balance_notices`,
    );
    assertEquals(seen.map((row) => row["user_id"]), [ada]);
    for (const role of ["anon", "authenticated", "service_role"] as const) {
      const code = await asRole(
        sql,
        role,
        { sub: ada },
        (as) => as`delete from public.balance_notices`,
      ).then(() => "done", (error) => error.code);
      assertEquals(code, "42501", role);
    }
  }));

Deno.test("an event is claimed by one, again where it was not delivered, and never after it was", () =>
  withDatabase(async ({ sql, service }) => {
    for (let i = 0; i < 3; i++) await adjust(service, await createUser(sql), "-9.5");
    const claim = () => call<{ id: string; balance: string }[]>(service, "claim_notices");
    const claims = (await Promise.all([claim(), claim(), claim()])).flat();
    assertEquals(claims.map(({ balance }) => balance), ["0.5", "0.5", "0.5"]);
    assertEquals(new Set(claims.map(({ id }) => id)).size, 3);
    const ids = claims.map(({ id }) => id);
    assertEquals(await call<unknown>(service, "notices_delivered", { p_ids: ids.slice(0, 2) }), 2);
    assertEquals(await claim(), []);
    await passMinutes(sql, 1);
    assertEquals((await claim()).map(({ id }) => id), ids.slice(2));
    await passMinutes(sql, 24 * 60);
    assertEquals(await claim(), [], "after a day it is no news");
  }));

Deno.test("old notices are forgotten as new ones come", () =>
  withDatabase(async ({ sql, service }) => {
    const [old, recent] = [await createUser(sql), await createUser(sql)];
    await adjust(service, old, "-9.5");
    await passMinutes(sql, 91 * 24 * 60);
    await adjust(service, recent, "-9.5");
    assertEquals(await noticesOf(sql, old), []);
    assertEquals((await noticesOf(sql, recent)).length, 1);
  }));

Deno.test("where old notices cannot be forgotten, a new one is written all the same", () =>
  withDatabase(async ({ sql, service }) => {
    const [old, recent] = [await createUser(sql), await createUser(sql)];
    await adjust(service, old, "-9.5");
    await passMinutes(sql, 91 * 24 * 60);
    await sql`
      create function public.keep() returns trigger
      language plpgsql as $$ begin raise exception 'kept'; end $$`;
    await sql`
      create trigger keep before delete on public.balance_notices
      for each row execute function public.keep()`;
    await adjust(service, recent, "-9.5");
    assertEquals((await noticesOf(sql, recent)).length, 1);
    assertEquals((await noticesOf(sql, old)).length, 1);
  }));

Deno.test("a charge does not fail where the users cannot be read", () =>
  withDatabase(async ({ sql, service, adminUrl }) => {
    const userId = await createUser(sql);
    await adjust(service, userId, "-8.9995");
    const { requestId } = await reserve(service, { userId });
    const admin = connect(adminUrl, { max: 1 });
    await admin`revoke select on auth.users from postgres`.finally(() => admin.end());
    assertEquals((await settle(service, requestId, 100, 100))["balance"], "0.99925");
  }));

/** How the migration adds the table to Realtime's publication. */
const MIGRATION = await Deno.readTextFile(
  new URL("../../supabase/migrations/20261122000044_balance_notices.sql", import.meta.url),
);
const PUBLISH = MIGRATION.slice(MIGRATION.lastIndexOf("do $$"));

Deno.test("where Supabase Realtime is, it publishes the notices", async () => {
  await withDatabase(async ({ sql }) => {
    const inPublication = () =>
      sql`select tablename from pg_publication_tables where pubname = 'supabase_realtime'`;
    await sql`create publication supabase_realtime`;
    await sql.unsafe(PUBLISH);
    // It can be there already, as where the table was made by hand.
    await sql.unsafe(PUBLISH);
    assertEquals((await inPublication()).map((row) => row["tablename"]), ["balance_notices"]);
    // What is published must still be writable: an update needs a replica identity.
    const userId = await createUser(sql);
    await adjust(sql, userId, "-9.5");
    assertEquals((await call<unknown[]>(sql, "claim_notices")).length, 1);
  });
});

Deno.test("a publication of all tables, or of somebody else, does not stop the migration", () =>
  withDatabase(async ({ sql, adminUrl }) => {
    const admin = connect(adminUrl, { max: 1 });
    try {
      await admin`create publication supabase_realtime for all tables`;
      await sql.unsafe(PUBLISH);
      await admin`drop publication supabase_realtime`;
      await admin`create publication supabase_realtime`;
      await sql.unsafe(PUBLISH);
      const published = await sql`select from pg_publication_tables`;
      assertEquals(published.length, 0, "it belongs to somebody else");
    } finally {
      await admin.end();
    }
  }));

Deno.test("the doctor's own users make no notice, and are forgotten by no other name", () =>
  withDatabase(async ({ sql, service }) => {
    const [doctors, other] = [await createUser(sql), await createUser(sql)];
    await sql`
      update auth.users set email = ${`doctor-${crypto.randomUUID()}@example.com`}
      where id = ${doctors}`;
    await adjust(service, doctors, "-10");
    await adjust(service, other, "-10");
    assertEquals([(await noticesOf(sql, doctors)).length, (await noticesOf(sql, other)).length], [
      0,
      1,
    ]);
    const decide = (userId: string) =>
      call(service, "decide_sign_up", {
        p_user_id: userId,
        p_email: null,
        p_address_hash: "address",
        p_is_anonymous: false,
      });
    await decide(doctors);
    await decide(other);
    await call(service, "forget_doctor_user", { p_user_id: doctors });
    const refused = await refusalOf(call(service, "forget_doctor_user", { p_user_id: other }));
    assertEquals(refused.code, "INVALID_ARGUMENT");
    const left = await sql`select user_id from billing.sign_up_decisions`;
    assertEquals(left.map((row) => row["user_id"]), [other]);
  }));

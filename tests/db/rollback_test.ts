import { assert, assertEquals, assertRejects } from "@std/assert";
import { fileURLToPath } from "node:url";
import { migrate, readMigrations } from "../../local/migrate.ts";
import { splitStatements } from "../../local/sql_statements.ts";
import { withRollbackNames } from "../../scripts/rollback_names.ts";
import { assertReconciled, createUser } from "../support/ledger_calls.ts";
import type { Sql } from "../support/connect.ts";
import { type TestDatabase, withDatabase } from "../support/database.ts";
import { schemaDifference, schemaSnapshot } from "../support/schema_snapshot.ts";

const SUPABASE = fileURLToPath(new URL("../../supabase", import.meta.url));
const MIGRATIONS = `${SUPABASE}/migrations`;
const ROLLBACK = await Deno.readTextFile(`${SUPABASE}/rollback/remove_farebox.sql`);
/** As the operator leaves it who edited its one line. */
const CONFIRMED = ROLLBACK.replace("text := 'no'", "text := 'yes'");
const NOTHING = { left: [], lost: [] };

/** An app that was there before: with its own history, tables, functions, hooks and jobs. */
const AN_APP = `
  create schema supabase_migrations;
  create table supabase_migrations.schema_migrations (
    version text primary key, statements text[], name text
  );
  insert into supabase_migrations.schema_migrations values
    ('20250101120000', array['create table public.notes ()'], 'notes'),
    ('20251018093000', array['select ''we talk of billing'''], 'app_of_that_day');

  create table public.notes (
    id bigint generated always as identity primary key,
    user_id uuid references auth.users on delete cascade,
    body text not null default 'billing.settings'
  );
  alter table public.notes enable row level security;
  create policy "own notes" on public.notes to authenticated using ((select auth.uid()) = user_id);
  grant select on public.notes to authenticated;
  create function public.billing_address(p_order text) returns text
    language sql as $$ select 'billing.' || p_order $$;
  create function public.on_sign_up() returns trigger language plpgsql as $$
    begin insert into public.notes (user_id) values (new.id); return null; end $$;
  create trigger on_auth_user_created after insert on auth.users
    for each row execute function public.on_sign_up();
  alter default privileges in schema public grant select on tables to authenticated;

  create publication supabase_realtime for table public.notes;

  create schema cron;
  create table cron.job (jobid bigint generated always as identity, jobname text, command text);
  create table cron.job_run_details (jobid bigint, runid bigint);
  create function cron.unschedule(job_id bigint) returns boolean language sql as $$
    delete from cron.job where jobid = job_id returning true $$;
  insert into cron.job (jobname, command) values ('app-nightly', 'select 1');
  insert into cron.job_run_details values (1, 1);
`;

/** What pg_cron would have been told, where it is. */
const OUR_JOBS = `
  insert into cron.job (jobname, command)
  values ('farebox-expire', 'select billing.expire(500)'), ('farebox-alerts', 'select 1');
  insert into cron.job_run_details values (2, 2), (3, 3);
`;

function testNew(name: string, test: (database: TestDatabase) => Promise<void>): void {
  Deno.test(name, () => withDatabase(test, { migrated: false }));
}

async function history(sql: Sql): Promise<unknown[]> {
  return Array.from(
    await sql`select version, name from supabase_migrations.schema_migrations order by version`,
  );
}

testNew(
  "the rollback leaves a schema diff of nothing, and an app what it had",
  async (database) => {
    const { sql, url } = database;
    await sql.unsafe(AN_APP).simple();
    const before = await schemaSnapshot(sql);
    const applied = await history(sql);
    await migrate(url, MIGRATIONS);
    await sql.unsafe(OUR_JOBS).simple();
    const user = await createUser(sql);
    assert(schemaDifference(before, await schemaSnapshot(sql)).left.length > 500);

    await sql.unsafe(CONFIRMED).simple();
    assertEquals(schemaDifference(before, await schemaSnapshot(sql)), NOTHING);
    assertEquals(await history(sql), applied);
    assertEquals(Array.from(await sql`select jobid::text, jobname from cron.job`), [
      { jobid: "1", jobname: "app-nightly" },
    ]);
    assertEquals((await sql`select from cron.job_run_details`).length, 1);
    assertEquals((await sql`select from public.notes where user_id = ${user}`).length, 1);
    await createUser(sql);

    await sql.unsafe(CONFIRMED).simple();
    assertEquals(schemaDifference(before, await schemaSnapshot(sql)), NOTHING);

    const again = await migrate(url, MIGRATIONS);
    assertEquals(again.length, (await readMigrations(MIGRATIONS)).length);
    await createUser(sql);
    await assertReconciled(sql);
  },
);

Deno.test("without its line it removes nothing, and says how", () =>
  withDatabase(async ({ sql }) => {
    const before = await schemaSnapshot(sql);
    for (const text of [ROLLBACK, `set farebox.export_exists = 'no'; ${ROLLBACK}`]) {
      const error = await assertRejects(
        () => sql.unsafe(text).simple(),
        Error,
        "Nothing was removed",
      );
      assert("hint" in error && String(error.hint).includes("set farebox.export_exists = 'yes'"));
    }
    assertEquals(schemaDifference(before, await schemaSnapshot(sql)), NOTHING);
    // Once used, the word is taken back: a pooled connection would keep it for the next person.
    await sql.reserve().then(async (one) => {
      await one.unsafe(`set farebox.export_exists = 'yes'; ${ROLLBACK}`).simple();
      await assertRejects(() => one.unsafe(ROLLBACK).simple(), Error, "Nothing was removed");
      one.release();
    });
  }));

testNew(
  "it removes a project that was left half-applied, after any of its migrations",
  async (database) => {
    const { sql, url } = database;
    await sql.unsafe(AN_APP).simple();
    const before = await schemaSnapshot(sql);
    const migrations = await readMigrations(MIGRATIONS);
    // Each migration's end is a place where a push may have stopped; a few stand for all.
    for (const count of [1, 2, 5, 14, 18, 31, migrations.length - 1]) {
      const folder = await Deno.makeTempDir({ prefix: "farebox-half-" });
      for (const { file } of migrations.slice(0, count)) {
        await Deno.copyFile(`${MIGRATIONS}/${file}`, `${folder}/${file}`);
      }
      await migrate(url, folder);
      await Deno.remove(folder, { recursive: true });
      await sql.unsafe(CONFIRMED).simple();
      assertEquals(schemaDifference(before, await schemaSnapshot(sql)), NOTHING, `after ${count}`);
    }
  },
);

testNew("it removes what was applied by hand, with no record of migrations", async ({ sql }) => {
  const before = await schemaSnapshot(sql);
  for (const { statements } of await readMigrations(MIGRATIONS)) {
    for (const { text } of statements) await sql.unsafe(text).simple();
  }
  await sql.unsafe(CONFIRMED).simple();
  assertEquals(schemaDifference(before, await schemaSnapshot(sql)), NOTHING);
});

Deno.test("what an app built on Farebox is named, and nothing is removed", () =>
  withDatabase(async ({ sql }) => {
    const built: Record<string, string> = {
      "public.spent":
        "create view public.spent as select user_id, sum(collected) from public.usage_records group by 1",
      "public.wallets":
        "create table public.wallets (user_id uuid references public.user_balances)",
      "public.mine(":
        "create function public.mine(account public.user_balances) returns int return 1",
      "my_total": `create function public.my_total() returns bigint language sql as
        'select count(*) from billing.incidents'`,
      "billing.my_own_report()": "create function billing.my_own_report() returns int return 1",
      "type billing.mood": "create type billing.mood as enum ('good')",
      "billing.invoices": "create table billing.invoices (id int)",
    };
    for (const [name, statement] of Object.entries(built)) {
      const rollback = new Error("rolled back");
      await sql.begin(async (transaction) => {
        await transaction.unsafe(statement);
        await transaction`savepoint built`;
        const message = await transaction.unsafe(CONFIRMED).simple().then(
          () => "removed",
          (error: Error) => error.message,
        );
        assert(message.includes("Nothing was removed") && message.includes(name), message);
        throw rollback;
      }).catch((error) => {
        if (error !== rollback) throw error;
      });
    }
    assertEquals((await sql`select count(*)::int as n from public.model_pricing`)[0]?.["n"], 23);
  }));

testNew(
  "an app's tables with the names of ours, in place before ours came, are left alone",
  async ({ sql }) => {
    await sql.unsafe(`
    create table public.chat_exchanges (id bigint primary key, chat text);
    create table public.balance_notices (id bigint primary key, kind text, user_id uuid);
  `).simple();
    const before = await schemaSnapshot(sql);
    await sql.unsafe(CONFIRMED).simple();
    assertEquals(schemaDifference(before, await schemaSnapshot(sql)), NOTHING);
  },
);

Deno.test("an app's function with a name of ours stays, where billing is only what it calls a table", () =>
  withDatabase(async ({ sql }) => {
    await sql.unsafe(`
      create table public.bills (id int, total numeric);
      create function public.refund(p_order int) returns numeric language sql as $$
        select billing.total from public.bills billing where billing.id = p_order $$;
    `).simple();
    await sql.unsafe(CONFIRMED).simple();
    const left = await sql`select oid::regprocedure::text as name from pg_proc
      where pronamespace = 'public'::regnamespace and proname = 'refund'`;
    assertEquals(Array.from(left), [{ name: "refund(integer)" }]);
    assertEquals((await sql`select to_regnamespace('billing') as schema`)[0]?.["schema"], null);
  }));

Deno.test("the lists of names are those that the migrations make, as `deno task types` writes them", async () => {
  assertEquals(await withRollbackNames(ROLLBACK), ROLLBACK);
});

Deno.test("the file is one statement, so it happens whole or not at all, whatever runs it", () => {
  assertEquals(splitStatements(ROLLBACK).length, 1);
  assertEquals(splitStatements(CONFIRMED).length, 1);
});

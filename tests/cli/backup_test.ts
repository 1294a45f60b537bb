import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { checkBackup } from "../../cli/backup/read_file.ts";
import { withDatabase } from "../support/database.ts";
import { fareboxCommand, runFarebox } from "../support/farebox.ts";
import { assertReconciled, call, createUser, reserve, settle } from "../support/ledger_calls.ts";
import { installPgDump } from "../support/stand_in_pg_dump.ts";
import { until } from "../support/until.ts";
import {
  assertSame,
  everythingOf,
  fillLedger,
  ODD_TEXT,
  tablesOf,
} from "../support/whole_ledger.ts";

const folder = await Deno.makeTempDir({ prefix: "farebox-backups-" });
const pgDump = await installPgDump();
Deno.test.afterAll(async () => {
  for (const path of [folder, pgDump]) await Deno.remove(path, { recursive: true });
});
let files = 0;
const newFile = () => `${folder}/${files++}.gz`;

/** Runs the tool with nothing but a connection to the database. */
const onDatabase = (url: string, ...args: string[]) => runFarebox({ SUPABASE_DB_URL: url }, args);

async function backUp(url: string, ...args: string[]): Promise<string> {
  const file = newFile();
  const { code, err } = await onDatabase(url, "backup", "--out", file, ...args);
  assertEquals(code, 0, err);
  return file;
}

const ROLLBACK = await Deno.readTextFile(
  fileURLToPath(new URL("../../supabase/rollback/remove_farebox.sql", import.meta.url)),
);

for (const format of ["portable", "pg_dump"]) {
  Deno.test(`${format}: backed up, everything dropped, restored: every row, receipt and sequence is as before`, () =>
    withDatabase(async (database) => {
      const { sql, url } = database;
      await fillLedger(database);
      const before = await everythingOf(sql);
      const file = newFile();
      const variables = format === "pg_dump"
        ? { SUPABASE_DB_URL: url, PATH: `${pgDump}:${Deno.env.get("PATH")}` }
        : { SUPABASE_DB_URL: url };
      const made = await runFarebox(variables, ["backup", "--out", file, "--format", format]);
      assertEquals(made.code, 0, made.err);
      assertEquals((await checkBackup(file)).header.content, format);

      await sql.unsafe(`set farebox.export_exists = 'yes'; ${ROLLBACK}`).simple();
      assertEquals(await tablesOf(sql), []);
      const restored = await onDatabase(url, "restore", file, "--yes");
      assertEquals(restored.code, 0, restored.err);
      assertMatch(restored.out, /✓ Restored, and the ledger reconciles/);
      assertSame(await everythingOf(sql), before);
      await assertReconciled(sql);

      // It goes on where it was: ids and price versions follow those that were there.
      const userId = await createUser(sql);
      await settle(sql, (await reserve(sql, { userId })).requestId, 1, 1);
      await sql`update public.model_pricing set input_per_1k = 0.004 where model_id = 'gpt-4o'`;
      await assertReconciled(sql);
    }));
}

Deno.test("every table of Farebox is in a backup, and every one has a key to page by", () =>
  withDatabase(async ({ sql, url }) => {
    const { header } = await checkBackup(await backUp(url));
    assertEquals(header.tables.map(({ name }) => name).sort(), await tablesOf(sql));
    const [newest] = await sql`select max(version) as v from supabase_migrations.schema_migrations`;
    assertEquals(header.migration, newest?.["v"]);
    const keyless = await sql`select name from billing.export_tables() where key_columns is null`;
    assertEquals(keyless.length, 0);
    // json (not jsonb) would keep a client's own line breaks and spaces.
    assert(header.tables.every(({ columns }) => columns.every(({ type }) => type !== "json")));
  }));

Deno.test("a damaged ledger is replaced: what was added, changed or lost since is as in the backup", () =>
  withDatabase(async (database) => {
    const { sql, url } = database;
    const [userId] = await fillLedger(database);
    const before = await everythingOf(sql);
    const file = await backUp(url);
    await settle(sql, (await reserve(sql, { userId: userId! })).requestId, 9, 9);
    await sql`update public.user_balances set balance = balance + 1`;
    await sql`alter table public.usage_records disable trigger usage_records_are_immutable`;
    await sql`delete from public.usage_records where basis = 'checkpoint'`;
    await sql`alter table public.usage_records enable trigger usage_records_are_immutable`;
    await sql`delete from public.model_pricing`;

    const unasked = await onDatabase(url, "restore", file);
    assertEquals([unasked.code, unasked.out], [1, ""]);
    assertMatch(unasked.err, /Replaces what .* \(\d+ accounts, \d+ charges, \d+ credits\).*--yes/);
    assertEquals((await onDatabase(url, "restore", file, "--dry-run")).code, 0);
    assertNotEquals(await everythingOf(sql), before);

    const restored = await onDatabase(url, "restore", file, "--yes", "--json");
    assertEquals(restored.code, 0, restored.err);
    const report = JSON.parse(restored.out);
    assertEquals(report.recomputed, { accounts: 0, released: 0, unwelcomed: 0, refunds: [] });
    assertEquals(report.violations, []);
    assertEquals(report.lost, { charges: 1, credits: 0, isExact: true });
    assertMatch(restored.err, /1 charge made since the backup is lost.*--recorded/);
    assertSame(await everythingOf(sql), before);
    const error = await sql`delete from public.usage_records`.catch((error: Error) => error);
    assertMatch(String(error), /ledger rows are immutable/, "its triggers are on again");
  }));

Deno.test("rows of a user who no longer exists are left out and counted, where they cannot be without", () =>
  withDatabase(async ({ sql, url }) => {
    await sql.unsafe(`create table billing.transcripts (
      id uuid primary key default gen_random_uuid(),
      user_id uuid not null references auth.users on delete cascade,
      said text, bytes bytea, request jsonb, tags text[], cost numeric
    )`);
    const [stays, leaves] = [await createUser(sql), crypto.randomUUID()];
    const say = (user: string) =>
      sql`insert into billing.transcripts (user_id, said, bytes, request, tags, cost)
        values (${user}, ${ODD_TEXT}, ${new Uint8Array([0, 10, 92, 255])},
          '{"b": 1.10, "a": [1e3, null]}', ${["a b", "", 'c"']}, 12345678901234567890.0123456789)`;
    const said = async () =>
      (await sql`select t::text from billing.transcripts t order by id`).map((row) => row["t"]);
    await say(stays);
    const kept = await said();
    for (const format of ["portable", "pg_dump"]) {
      const file = newFile();
      await createUser(sql, { id: leaves });
      await say(leaves);
      const made = await runFarebox(
        { SUPABASE_DB_URL: url, PATH: `${pgDump}:${Deno.env.get("PATH")}` },
        ["backup", "--out", file, "--format", format],
      );
      assertEquals(made.code, 0, made.err);
      await sql`delete from auth.users where id = ${leaves}`;
      const { code, out, err } = await onDatabase(url, "restore", file, "--yes", "--json");
      assertEquals(code, 0, err);
      assertEquals(JSON.parse(out).leftOut, { "billing.transcripts": 1 });
      assertEquals(await said(), kept);
    }
  }));

Deno.test("a restore that is killed midway leaves what was there, and the next one succeeds", () =>
  withDatabase(async (database) => {
    const { sql, url } = database;
    await fillLedger(database);
    const file = await backUp(url);
    await call(sql, "grant_credit", {
      p_user_id: await createUser(sql),
      p_amount: "3",
      p_kind: "grant",
      p_key: "later",
      p_note: null,
    });
    const before = await everythingOf(sql);
    await sql`alter table public.usage_records
      add constraint slow check (pg_sleep(0.5) is not null) not valid`;
    const child = fareboxCommand({ SUPABASE_DB_URL: url }, ["restore", file, "--yes"]).spawn();
    await until("the restore to insert", async () => {
      const rows = await sql`select from pg_stat_activity
        where query like 'insert into "public"."usage_records"%' and state = 'active'
          and datname = current_database()`;
      return rows.length > 0;
    });
    child.kill("SIGKILL");
    await Promise.all([child.status, child.stdout.cancel(), child.stderr.cancel()]);
    await sql`alter table public.usage_records drop constraint slow`;
    assertSame(await everythingOf(sql), before);
    assertEquals((await onDatabase(url, "restore", file, "--yes")).code, 0);
    assertEquals(
      (await sql`select from balance_transactions where idempotency_key = 'later'`).length,
      0,
    );
  }));

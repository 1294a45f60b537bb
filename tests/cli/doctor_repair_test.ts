/** Migrations that were applied by hand, which nothing records: told as that, with a way out that works. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { MIGRATION_CHECK } from "../../cli/doctor/check_migrations.ts";
import { EXPECTED } from "../../cli/doctor/facts.ts";
import type { Examination, Finding } from "../../cli/doctor/finding.ts";
import { readMigrationFiles } from "../../cli/doctor/migrations.ts";
import { migrate, MigrationFailed, recordCommand } from "../../local/migrate.ts";
import type { Sql } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import { CLI_MISSING, remoteDatabase, runSupabaseCli } from "../support/supabase_cli.ts";

const ROOT = Deno.cwd();
const files = await readMigrationFiles();
const versions = files.map(({ version }) => version);

/** The doctor's line about the migrations of this database. */
async function examined(sql: Sql): Promise<Finding> {
  const [row] = await sql`select public.doctor_facts(${EXPECTED.public_names}) as facts`;
  // The check asks for nothing but the facts.
  const target = { isLocal: true, dbUrl: null, call: () => Promise.resolve(row?.["facts"]) };
  return await MIGRATION_CHECK.examine({ target, known: {} } as unknown as Examination);
}

Deno.test("what was applied by hand is a warning that names the command, and the checks after it go on", () =>
  withDatabase(async ({ sql }) => {
    await sql`delete from supabase_migrations.schema_migrations`;
    const all = await examined(sql);
    assertEquals(all.state, "warning");
    assertMatch(
      all.says,
      new RegExp(`is there, but ${versions.length} migrations not recorded as applied`),
    );
    assert(
      "items" in all && all.items?.length === 5,
      "those that make nothing of their own are named",
    );
    assert("todo" in all && all.todo?.includes(recordCommand(versions)), JSON.stringify(all));
  }));

Deno.test("where a function is another than this repo's, unrecorded migrations are missing all the same", () =>
  withDatabase(async ({ sql }) => {
    await sql`delete from supabase_migrations.schema_migrations where version > '20261122000033'`;
    assertEquals((await examined(sql)).state, "warning");
    await sql`
      create or replace function billing.schedule_facts() returns jsonb
      language sql stable set search_path = '' as 'select null::jsonb'`;
    const { state, says } = await examined(sql);
    assertEquals(state, "failed");
    assertMatch(says, /migrations missing, from 20261122000034_/);
  }));

Deno.test("a local stack that finds them there and unrecorded says so, and names both ways out", () =>
  withDatabase(async ({ sql, url }) => {
    // Those after it can be applied twice.
    const unrecorded = versions.filter((version) => version >= "20261122000055");
    await sql`
      delete from supabase_migrations.schema_migrations where version = any (${unrecorded})`;
    const { message } = await assertRejects(
      () => migrate(url, `${ROOT}/supabase/migrations`),
      MigrationFailed,
    );
    assertMatch(message, /already exists.*\(42723\)/);
    assertMatch(message, /is there already, though no record says that it was applied/);
    assert(message.includes(recordCommand(unrecorded)), message);
    assertMatch(message, /--fresh/);
  }));

Deno.test({
  name:
    "by the command that is named the official CLI records them, and then nothing is left to do",
  ignore: CLI_MISSING !== null,
  fn: () =>
    withDatabase(async ({ sql, url }) => {
      await sql`delete from supabase_migrations.schema_migrations`;
      const [program, ...words] = recordCommand(versions).split(" ");
      assertEquals(program, "supabase");
      const place = words.indexOf("--remote=<connection");
      words.splice(place, 2, remoteDatabase(url));
      await runSupabaseCli(words, { workdir: ROOT });
      const finding = await examined(sql);
      assertEquals([finding.state, finding.says], ["ok", `all ${versions.length}, in order`]);
      assertEquals(await migrate(url, `${ROOT}/supabase/migrations`), []);
    }),
});

import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { migrate, readMigrations } from "../../local/migrate.ts";
import { withDatabase } from "../support/database.ts";
import { call, createUser, reserve, settle } from "../support/ledger_calls.ts";
import { createPgtap, runPgtapFile } from "../support/pgtap.ts";

const SUPABASE = fileURLToPath(new URL("../../supabase", import.meta.url));

/** What projects had, before new tables and functions were closed by default. */
const OLD_DEFAULTS = `
  alter default privileges in schema public
    grant all on tables to anon, authenticated, service_role;
  alter default privileges in schema public
    grant all on sequences to anon, authenticated, service_role;
  alter default privileges in schema public
    grant all on functions to anon, authenticated, service_role;
`;

/** Applies the migrations that are older than this version. */
async function migrateBefore(url: string, version: string): Promise<void> {
  const older = await Deno.makeTempDir();
  try {
    for (const migration of await readMigrations(`${SUPABASE}/migrations`)) {
      const { file } = migration;
      if (migration.version >= version) continue;
      await Deno.copyFile(`${SUPABASE}/migrations/${file}`, `${older}/${file}`);
    }
    await migrate(url, older);
  } finally {
    await Deno.remove(older, { recursive: true });
  }
}

for (const file of ["002_grants.test.sql", "003_row_security.test.sql"]) {
  Deno.test(`on an old project, which grants everything by default, ${file} passes all the same`, () =>
    withDatabase(async ({ sql, url, adminUrl }) => {
      await sql.unsafe(OLD_DEFAULTS).simple();
      await migrate(url, `${SUPABASE}/migrations`);
      await createPgtap(adminUrl);
      const { failures } = await runPgtapFile(url, `${SUPABASE}/tests/database/${file}`);
      if (failures.length > 0) throw new Error(`\n${failures.join("\n")}`);
    }, { migrated: false }));
}

Deno.test("an app's own function of a name that a later migration uses keeps who may execute it", () =>
  withDatabase(async ({ sql, url }) => {
    await sql`
      create function public.usage_report(days integer) returns integer
      language sql as $$ select days $$`;
    await sql`grant execute on function public.usage_report(integer) to authenticated`;
    await migrate(url, `${SUPABASE}/migrations`);
    const [row] = await sql`
      select has_function_privilege('authenticated', 'public.usage_report(integer)', 'execute') as may`;
    assertEquals(row?.["may"], true);
  }, { migrated: false }));

Deno.test("what was set beyond a bound of now does not stop the migrations, and becomes the bound", () =>
  withDatabase(async ({ sql, url }) => {
    await migrateBefore(url, "20261122000034");
    await sql`
      update billing.settings set guest_window_hours = 999999, incident_retention_days = 999999`;
    await migrate(url, `${SUPABASE}/migrations`);
    const [row] = await sql`
      select guest_window_hours as guests, incident_retention_days as incidents,
        reservation_retention_hours as keys
      from billing.settings`;
    assertEquals({ ...row }, { guests: 8_760, incidents: 36_500, keys: 48 });
  }, { migrated: false }));

Deno.test("an upgrade knows whose the answers of Responses are that were charged before it", () =>
  withDatabase(async ({ sql, service, url }) => {
    await migrateBefore(url, "20261122000069");
    const [mine, others] = [await createUser(sql), await createUser(sql)];
    const answers = [[mine, "resp_1"], [others, "resp_2"], [mine, "chatcmpl-1"]] as const;
    for (const [userId, id] of answers) {
      const { requestId } = await reserve(service, { userId });
      await settle(service, requestId, 100, 10, "reported", { p_provider_request_id: id });
    }
    await migrate(url, `${SUPABASE}/migrations`);
    const args = { p_user_id: mine, p_ids: ["resp_1", "resp_2"] };
    assertEquals(await call(service, "foreign_stored_items", args), ["resp_2"]);
    assertEquals((await sql`select from billing.stored_items`).length, 2);
  }, { migrated: false }));

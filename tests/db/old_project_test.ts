import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { migrate } from "../../local/migrate.ts";
import { withDatabase } from "../support/database.ts";
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

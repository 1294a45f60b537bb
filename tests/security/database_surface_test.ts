/** What the database itself lets anybody see or do, as its catalogue tells: no list to forget in. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { migrate } from "../../local/migrate.ts";
import { openDatabase, withDatabase } from "../support/database.ts";

const MIGRATIONS = fileURLToPath(new URL("../../supabase/migrations", import.meta.url));
const { sql, close } = await openDatabase();
Deno.test.afterAll(() => close());

Deno.test("a view shows its reader's rows and not its owner's", async () => {
  const views = await sql`
    select c.oid::regclass::text as name, coalesce(c.reloptions, '{}') as options
    from pg_class c
    where c.relkind in ('v', 'm') and c.relnamespace in ('public'::regnamespace, 'billing'::regnamespace)
      and (has_table_privilege('anon', c.oid, 'select')
        or has_table_privilege('authenticated', c.oid, 'select'))
      and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')`;
  assert(views.length > 0, "there is a view that clients read");
  const others = views.filter(({ options }) => !options.includes("security_invoker=true"));
  assertEquals(others.map(({ name }) => name), []);
});

Deno.test("every table that a client may read has row security, and each policy asks whose the row is", async () => {
  const tables = await sql`
    select c.relname as name, c.relrowsecurity as secured,
      array(select pg_get_expr(p.polqual, p.polrelid) from pg_policy p where p.polrelid = c.oid) as asks
    from pg_class c
    where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, 'billing'::regnamespace)
      and (has_any_column_privilege('anon', c.oid, 'select, insert, update')
        or has_any_column_privilege('authenticated', c.oid, 'select, insert, update'))`;
  assert(tables.length >= 5, `${tables.length} tables`);
  for (const { name, secured, asks } of tables) {
    assert(secured, `${name} has no row security`);
    for (const ask of asks) {
      if (name === "model_pricing") continue; // Prices are public.
      assert(
        /user_id\) = |= user_id\)|user_id = /.test(ask) && /uid\(\)/.test(ask),
        `${name}: ${ask}`,
      );
      assert(!/ OR /.test(ask), `${name}: ${ask}`);
    }
  }
});

Deno.test("what runs with its owner's rights finds its names where nobody else can put any", async () => {
  const functions = await sql`
    select p.oid::regprocedure::text as name, coalesce(p.proconfig, '{}') as config
    from pg_proc p
    where p.prosecdef and p.pronamespace in ('public'::regnamespace, 'billing'::regnamespace)
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')`;
  assert(functions.length > 10, `${functions.length} functions`);
  const open = functions.filter(({ config }) =>
    !config.some((entry: string) =>
      /^search_path=("")?$/.test(entry) || /^search_path=pg_catalog(, pg_temp)?$/.test(entry)
    )
  );
  assertEquals(open.map(({ name }) => name), []);
});

Deno.test("Realtime tells of a row only what its own user may read, and of a former one its key", () =>
  withDatabase(async ({ sql, url }) => {
    await sql`create publication supabase_realtime`;
    await migrate(url, MIGRATIONS);
    const tables = await sql`
      select t.tablename as name, c.relrowsecurity as secured, c.relreplident as identity
      from pg_publication_tables t
      join pg_class c on c.oid = format('%I.%I', t.schemaname, t.tablename)::regclass
      where t.pubname = 'supabase_realtime'`;
    assert(tables.length > 0);
    for (const { name, secured, identity } of tables) {
      assert(secured, `${name} has no row security`);
      // Deletions are told to everybody, without a policy: a full identity would tell the row.
      assertEquals(identity, "d", name);
    }
  }, { migrated: false }));

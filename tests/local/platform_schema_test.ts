import { assertEquals, assertRejects } from "@std/assert";
import postgres from "postgres";
import { preparePlatform } from "../../local/platform_schema.ts";
import { withDatabase } from "../support/database.ts";

const NEW_PROJECT = { migrated: false };
const USER = "00000000-0000-4000-8000-000000000001";

Deno.test("role postgres is no superuser, and only service_role of the API roles bypasses row security", async () => {
  await withDatabase(async ({ sql }) => {
    const rows = await sql`
      select rolname, rolsuper, rolbypassrls from pg_roles
      where rolname in ('anon', 'authenticated', 'postgres', 'service_role') order by rolname`;
    assertEquals(rows.map((r) => [r.rolname, r.rolsuper, r.rolbypassrls]), [
      ["anon", false, false],
      ["authenticated", false, false],
      ["postgres", false, true],
      ["service_role", false, true],
    ]);
  }, NEW_PROJECT);
});

Deno.test("a new table is granted to no API role, a new function to everybody", async () => {
  await withDatabase(async ({ sql }) => {
    await sql`create table public.t (a int)`;
    await sql`create function public.f() returns int language sql as 'select 1'`;
    for (const role of ["anon", "authenticated", "service_role"]) {
      const [row] = await sql`
        select has_table_privilege(${role}, 'public.t', 'select') as reads,
          has_function_privilege(${role}, 'public.f()', 'execute') as calls`;
      assertEquals(row, { reads: false, calls: true });
    }
  }, NEW_PROJECT);
});

for (
  const [style, setting, value] of [
    ["request.jwt.claims", "request.jwt.claims", JSON.stringify({ sub: USER, role: "anon" })],
    ["the legacy request.jwt.claim.sub", "request.jwt.claim.sub", USER],
  ] as const
) {
  Deno.test(`auth.uid() reads ${style}`, async () => {
    await withDatabase(async ({ sql }) => {
      const uid = await sql.begin(async (transaction) => {
        await transaction`select set_config(${setting}, ${value}, true)`;
        await transaction`set local role authenticated`;
        return (await transaction`select auth.uid()`)[0]!.uid;
      });
      assertEquals(uid, USER);
      assertEquals((await sql`select auth.uid()`)[0]!.uid, null);
    }, NEW_PROJECT);
  });
}

Deno.test("a sign-up trigger runs as supabase_auth_admin, as on a hosted project", async () => {
  await withDatabase(async ({ sql, url }) => {
    await sql`create table public.seen (who text)`;
    await sql.unsafe(`
      create function public.note() returns trigger language plpgsql as $$
      begin insert into public.seen values (current_user); return new; end $$;
      create trigger note after insert on auth.users for each row execute function public.note();
    `);
    const address = new URL(url);
    address.username = "supabase_auth_admin";
    const auth = postgres(address.href, { max: 1 });
    try {
      await assertRejects(
        () => auth`insert into auth.users (id, email) values (${USER}, 'a@example.com')`,
        postgres.PostgresError,
        "permission denied for table seen",
      );
    } finally {
      await auth.end();
    }
  }, NEW_PROJECT);
});

Deno.test("preparing a database twice changes nothing", async () => {
  await withDatabase(async ({ adminUrl, sql }) => {
    await preparePlatform(adminUrl);
    assertEquals((await sql`select count(*)::int as n from auth.users`)[0]!.n, 0);
  }, NEW_PROJECT);
});

/** What Realtime is given to tell: a user's charges and transactions, where there is a publication. */
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { migrate } from "../../local/migrate.ts";
import { connect, type Sql } from "../support/connect.ts";
import { withDatabase } from "../support/database.ts";
import { createUser, reserve, settle } from "../support/ledger_calls.ts";

const MIGRATIONS = fileURLToPath(new URL("../../supabase/migrations", import.meta.url));
const FILE = `${MIGRATIONS}/20261122000056_realtime_publication.sql`;
const PUBLISHED = ["balance_notices", "balance_transactions", "usage_records"];

async function publishedTables(sql: Sql): Promise<string[]> {
  const rows = await sql`
    select tablename from pg_publication_tables
    where pubname = 'supabase_realtime' and schemaname = 'public' order by tablename`;
  return rows.map((row) => row["tablename"]);
}

Deno.test("where there is Supabase's publication it has charges and transactions, and a charge can still be made", () =>
  withDatabase(async ({ sql, service, url }) => {
    await sql`create publication supabase_realtime`;
    await migrate(url, MIGRATIONS);
    assertEquals(await publishedTables(sql), PUBLISHED);
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId });
    await settle(service, requestId, 100, 100);
    const [charge] = await sql`select from usage_records where request_id = ${requestId}`;
    assert(charge !== undefined);
  }, { migrated: false }));

Deno.test("the migration can be repeated, and one table that is there already keeps none from the other", () =>
  withDatabase(async ({ sql }) => {
    await sql`create publication supabase_realtime for table public.usage_records`;
    const migration = await Deno.readTextFile(FILE);
    await sql.unsafe(migration).simple();
    await sql.unsafe(migration).simple();
    assertEquals(await publishedTables(sql), ["balance_transactions", "usage_records"]);
  }));

Deno.test("a publication of all tables stays as it is", () =>
  withDatabase(async ({ sql, url, adminUrl }) => {
    const admin = connect(adminUrl, { max: 1 });
    await admin`create publication supabase_realtime for all tables`;
    await admin.end();
    await migrate(url, MIGRATIONS);
    const [row] = await sql`
      select puballtables as all from pg_publication where pubname = 'supabase_realtime'`;
    assertEquals(row?.["all"], true);
  }, { migrated: false }));

Deno.test("a publication that belongs to somebody else stops no migration", () =>
  withDatabase(async ({ sql, url, adminUrl }) => {
    const admin = connect(adminUrl, { max: 1 });
    await admin`create publication supabase_realtime`;
    await admin.end();
    await migrate(url, MIGRATIONS);
    assertEquals(await publishedTables(sql), []);
  }, { migrated: false }));

Deno.test("without a publication nothing is made", () =>
  withDatabase(async ({ sql }) => {
    const [row] = await sql`select count(*)::int as count from pg_publication`;
    assertEquals(row?.["count"], 0);
  }));

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { migrate, MigrationFailed } from "../../local/migrate.ts";
import { type TestDatabase, withDatabase } from "../support/database.ts";

async function withFolder(
  files: Record<string, string>,
  test: (folder: string, database: TestDatabase) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(join(folder, name), text);
  }
  try {
    await withDatabase((database) => test(folder, database), { migrated: false });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("migrations are applied in order, once, and recorded with their statements", async () => {
  const files = {
    "2_second.sql": "insert into public.t values (1);",
    "1_first.sql": "create table public.t (a int);\n-- note\nselect 1;",
    "notes.sql": "this is not a migration",
  };
  await withFolder(files, async (folder, { url, sql }) => {
    assertEquals(await migrate(url, folder), ["1_first.sql", "2_second.sql"]);
    assertEquals(await migrate(url, folder), []);
    const rows = await sql`select * from supabase_migrations.schema_migrations order by version`;
    assertEquals(rows.map((row) => [row.version, row.name, row.statements]), [
      ["1", "first", ["create table public.t (a int)", "-- note\nselect 1"]],
      ["2", "second", ["insert into public.t values (1)"]],
    ]);
  });
});

Deno.test("a failing migration names file, line and error, and leaves nothing of itself", async () => {
  const files = { "1_bad.sql": "create table public.t (a int);\n\nselect\n  nope from public.t;" };
  await withFolder(files, async (folder, { url, sql }) => {
    const error = await assertRejects(() => migrate(url, folder), MigrationFailed);
    assertStringIncludes(error.message, "1_bad.sql, statement at line 3 (error at line 4)");
    assertStringIncludes(error.message, 'column "nope" does not exist');
    assertEquals((await sql`select to_regclass('public.t') as t`)[0]!.t, null);
  });
});

Deno.test("a migration that changed after it was applied is refused, with the line", async () => {
  await withFolder({ "1_a.sql": "select 1;\nselect 2;" }, async (folder, { url }) => {
    await migrate(url, folder);
    await Deno.writeTextFile(join(folder, "1_a.sql"), "select 1;\nselect 3;");
    const error = await assertRejects(() => migrate(url, folder), MigrationFailed);
    assertStringIncludes(
      error.message,
      "1_a.sql was applied before and has changed since, at line 2",
    );
  });
});

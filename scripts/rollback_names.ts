/**
 * Writes into supabase/rollback/remove_farebox.sql the names by which it knows what is Farebox's: of
 * functions, relations and types, after every migration, as a project may have stopped at any.
 * `deno task types` runs it.
 */
import { fileURLToPath } from "node:url";
import { readMigrations } from "../local/migrate.ts";
import type { Sql } from "../tests/support/connect.ts";
import { withDatabase } from "../tests/support/database.ts";

const SUPABASE = fileURLToPath(new URL("../supabase", import.meta.url));

/** The file whose lists are written. */
export const ROLLBACK_FILE = `${SUPABASE}/rollback/remove_farebox.sql`;

/** Each list of the file, and the query of its names; those that are there before us are not ours. */
const QUERIES: Record<string, string> = {
  public_functions: functionsOf("public"),
  billing_functions: functionsOf("billing"),
  billing_relations: `select relname::text as name from pg_class
    where relnamespace = to_regnamespace('billing') and relkind in ('r', 'p', 'v', 'm', 'f', 'S')`,
  billing_types: `select t.typname::text as name from pg_type t
    left join pg_class c on c.oid = t.typrelid
    where t.typnamespace = to_regnamespace('billing') and t.typtype <> 'p'
      and t.typcategory <> 'A' and (t.typrelid = 0 or c.relkind = 'c')`,
};

/** As the file asks: with no search path, so that types have their schema. */
function functionsOf(schema: string): string {
  return `select p.proname || '(' || oidvectortypes(p.proargtypes) || ')' as name from pg_proc p
    where p.pronamespace = to_regnamespace('${schema}')`;
}

/** `text` with the lists that the migrations make. */
export async function withRollbackNames(text: string): Promise<string> {
  const lists = new Map(Object.keys(QUERIES).map((list) => [list, new Set<string>()]));
  await withDatabase(async ({ sql }) => {
    const before = await readNames(sql);
    for (const { statements } of await readMigrations(`${SUPABASE}/migrations`)) {
      for (const { text } of statements) await sql.unsafe(text).simple();
      for (const [list, names] of await readNames(sql)) {
        for (const name of names) if (!before.get(list)!.has(name)) lists.get(list)!.add(name);
      }
    }
  }, { migrated: false });
  for (const [list, names] of lists) {
    const pattern = new RegExp(`(\\b${list} constant text\\[\\] := )(array\\[[^;]*\\]|'\\{\\}');`);
    if (!pattern.test(text)) throw new Error(`remove_farebox.sql has no list ${list}.`);
    text = text.replace(pattern, (_, start: string) => `${start}${arrayOf([...names].sort())};`);
  }
  return text;
}

/** Rewrites the file. */
export async function writeRollbackNames(): Promise<void> {
  const text = await Deno.readTextFile(ROLLBACK_FILE);
  await Deno.writeTextFile(ROLLBACK_FILE, await withRollbackNames(text));
}

async function readNames(sql: Sql): Promise<Map<string, Set<string>>> {
  const names = new Map<string, Set<string>>();
  await sql.begin(async (transaction) => {
    await transaction`set local search_path = ''`;
    for (const [list, query] of Object.entries(QUERIES)) {
      const rows = await transaction.unsafe<{ name: string }[]>(query);
      names.set(list, new Set(rows.map(({ name }) => name)));
    }
  });
  return names;
}

/** An array of SQL, in lines of the file's width. */
function arrayOf(names: readonly string[]): string {
  if (names.length === 0) return "'{}'";
  const lines: string[] = [];
  for (const name of names) {
    const item = `'${name.replaceAll("'", "''")}'`;
    const last = lines.at(-1);
    if (last !== undefined && last.length + item.length + 3 <= 100) {
      lines[lines.length - 1] = `${last}, ${item}`;
    } else lines.push(`    ${item}`);
  }
  return `array[\n${lines.join(",\n")}\n  ]`;
}

if (import.meta.main) await writeRollbackNames();

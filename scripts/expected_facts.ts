/**
 * `deno run -A scripts/expected_facts.ts`: writes cli/doctor/expected_facts.json, what `farebox
 * doctor` expects of a catalogue, from a database to which the migrations were applied. To be run
 * after every change of a migration; `deno task types` does.
 */
import { fileURLToPath } from "node:url";
import { connect } from "../tests/support/connect.ts";
import { withDatabase } from "../tests/support/database.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The generated file, relative to the repo. */
export const FACTS_FILE = "cli/doctor/expected_facts.json";

/** What differs from project to project, and is not expected of any. */
const OF_THE_PROJECT = [
  "migrations",
  "jobs",
  "extensions",
  "settings",
  "prices_checked_at",
  "reservations_overdue",
];

/** The file's text, for the migrated database at `url` (as role `postgres`). */
export async function expectedFacts(url: string): Promise<string> {
  const sql = connect(url, { max: 1 });
  try {
    // In such a database all of schema public is Farebox's, but what extensions brought.
    const found = await sql<{ name: string }[]>`
      select distinct o.name collate "C" as name from (
        select c.oid, c.relname::text as name from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v')
        union all
        select p.oid, p.proname::text from pg_proc p
        where p.pronamespace = 'public'::regnamespace
      ) o
      where not exists (select from pg_depend d where d.objid = o.oid and d.deptype = 'e')
      order by 1`;
    const names = found.map(({ name }) => name);
    const [row] = await sql<{ facts: Record<string, unknown> }[]>`
      select public.doctor_facts(${names}) as facts`;
    const facts = Object.entries(row?.facts ?? {}).filter(([name]) =>
      !OF_THE_PROJECT.includes(name)
    );
    const sorted = inOrder({ public_names: names, ...Object.fromEntries(facts) });
    return `${JSON.stringify(sorted, null, 2)}\n`;
  } finally {
    await sql.end();
  }
}

/** Keys by the alphabet: PostgreSQL orders them by their length, which makes differences long. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(entries.map(([key, part]) => [key, inOrder(part)]));
}

/** Writes the file. */
export async function writeExpectedFacts(): Promise<void> {
  await withDatabase(async ({ url }) => {
    await Deno.writeTextFile(`${ROOT}/${FACTS_FILE}`, await expectedFacts(url));
  });
  console.log(`Wrote ${FACTS_FILE}`);
}

if (import.meta.main) await writeExpectedFacts();

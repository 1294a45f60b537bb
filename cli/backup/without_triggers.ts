/** Loading rows as they were must not start what a new row starts. */
import type { Transaction } from "./database.ts";
import { qualified } from "./load.ts";

/** How a trigger is put back as it was, by `pg_trigger.tgenabled`. */
const ENABLE: Record<string, string> = {
  O: "enable trigger",
  R: "enable replica trigger",
  A: "enable always trigger",
};

/**
 * Runs `work` with the tables' triggers switched off, yours on them too, and puts each back as it was.
 * Foreign keys stay enforced. It all belongs to the transaction: a failure leaves nothing changed.
 */
export async function withoutTriggers<T>(
  transaction: Transaction,
  tables: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  const triggers = await transaction<{ table: string; name: string; state: string }[]>`
    select n.nspname || '.' || c.relname as table, t.tgname as name, t.tgenabled as state
    from pg_trigger t
    join pg_class c on c.oid = t.tgrelid
    join pg_namespace n on n.oid = c.relnamespace
    where not t.tgisinternal and t.tgenabled <> 'D'
      and n.nspname || '.' || c.relname = any (${tables as string[]})
    order by 1, 2`;
  const change = async (verbOf: (state: string) => string) => {
    for (const { table, name, state } of triggers) {
      const trigger = `"${name.replaceAll('"', '""')}"`;
      await transaction.unsafe(`alter table ${qualified(table)} ${verbOf(state)} ${trigger}`);
    }
  };
  await change(() => "disable trigger");
  const result = await work();
  await change((state) => ENABLE[state] ?? "enable trigger");
  return result;
}

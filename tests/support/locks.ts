/** Two transactions in a chosen order: the second is known to wait for the first. */
import type { Sql } from "./connect.ts";
import { until } from "./until.ts";

/** Until a statement in this database waits for a lock. */
export async function untilSomebodyWaits(sql: Sql): Promise<void> {
  await until("a statement to wait for a lock", async () => {
    const waiting = await sql`
      select from pg_locks l
      join pg_stat_activity a using (pid)
      where not l.granted and a.datname = current_database()`;
    return waiting.length > 0;
  });
}

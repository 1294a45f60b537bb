/** How long what people and operators read takes, as service_role asks for it. */
import { connect, type Sql } from "../../tests/support/connect.ts";
import { userId } from "./fill.ts";

/** Of another user each time, as requests are. */
const READS = 30;
const PROOFS = 3;

/** Milliseconds of each reading, by what was read. */
export async function timeReads(url: string): Promise<ReadonlyMap<string, readonly number[]>> {
  const sql = connect(url, { max: 1, connection: { options: "-c role=service_role" } });
  try {
    const took = new Map<string, number[]>();
    const since = new Date(Date.now() - 30 * 86_400_000);
    for (let n = 0; n < READS; n++) {
      const user = userId(1 + n * 331);
      const page = await timed(took, "usage list, a page of 50", () =>
        sql`
        select public.usage_list(p_user_id => ${user}, p_limit => 50) as answer`);
      await timed(took, "balance", () => sql`select public.account_balance(${user})`);
      await timed(
        took,
        "usage summary of 30 days by day",
        () => sql`select public.usage_summary(${user}, 'day', ${since}, null)`,
      );
      const [record] = page[0]?.["answer"].records ?? [];
      if (!record) continue;
      await timed(
        took,
        "chat cost",
        () => sql`select public.chat_cost(${user}, ${record.chat_id})`,
      );
      await timed(
        took,
        "receipt",
        () => sql`select public.receipt(${user}, ${record.request_id})`,
      );
    }
    for (let n = 0; n < PROOFS; n++) {
      const [row] = await timed(took, "reconcile", () => sql`select public.reconcile() as proof`);
      const { violations } = row?.["proof"] ?? {};
      if (violations?.length !== 0) {
        throw new Error(`The ledger does not add up: ${JSON.stringify(violations)}`);
      }
    }
    return took;
  } finally {
    await sql.end();
  }
}

async function timed(
  took: Map<string, number[]>,
  name: string,
  read: () => Promise<Awaited<ReturnType<Sql["unsafe"]>>>,
) {
  const startedAt = performance.now();
  const rows = await read();
  const list = took.get(name) ?? [];
  list.push(performance.now() - startedAt);
  took.set(name, list);
  return rows;
}

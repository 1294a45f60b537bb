/** What a restore takes away: entries of the target that came after the backup. */
import type { Sql } from "./database.ts";
import type { Footer, Header } from "./format.ts";

/** Entries made since the backup; `isExact` is false where some of them may be in it. */
export type Lost = { charges: number; credits: number; isExact: boolean };

/** Counts by the time of the entries. A target without our tables loses nothing. */
export async function readLost(sql: Sql, header: Header, footer: Footer): Promise<Lost> {
  const isExact = footer.moved === false;
  const since = header.created_at;
  const count = async (table: string) => {
    const [found] = await sql`
      select from pg_attribute where attrelid = to_regclass(${table}) and attname = 'created_at'`;
    if (found === undefined) return 0;
    const [row] = await sql`
      select count(*)::int as count from ${sql(table)}
      where created_at > ${since}::text::timestamptz`;
    return Number(row?.["count"]);
  };
  return {
    charges: await count("public.usage_records"),
    credits: await count("public.balance_transactions"),
    isExact,
  };
}

/** Sentences for people, before it is done and after; none where there is nothing to warn of. */
export function warningsOf({ charges, credits, isExact }: Lost, { moved }: Footer): string[] {
  const warnings: string[] = [];
  if (moved !== false) {
    warnings.push(
      `! WARNING: the ledger ${
        moved ? "moved" : "may have moved"
      } while this backup was read through ` +
        "the Data API: some of what happened meanwhile is not in it. A backup with --db-url is of one " +
        "moment.",
    );
  }
  if (charges + credits > 0) {
    const parts = [[charges, "charge"] as const, [credits, "credit"] as const]
      .filter(([count]) => count > 0)
      .map(([count, name]) => `${count} ${name}${count === 1 ? "" : "s"}`);
    const verb = charges + credits === 1 ? "is" : "are";
    warnings.push(
      `! ${isExact ? "" : "Up to "}${parts.join(" and ")} made since the backup ${verb} lost` +
        (charges > 0
          ? "; `farebox backfill --recorded` with the log brings the charges back."
          : "."),
    );
  }
  return warnings;
}

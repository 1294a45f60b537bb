/** What the ledger has of each question, read in one go once nothing is open any more. */
import type { Tokens } from "../../shared/pricing/usage.ts";
import type { Sql } from "../support/connect.ts";
import { assertAllSettled, exact } from "../support/charges.ts";
import { until } from "../support/until.ts";

/** A charge, amounts as counts of 1e-10 USD. */
export interface Charged {
  readonly basis: string;
  readonly tokens: Tokens;
  readonly webSearches: number;
  readonly otherModelsCost: bigint;
  readonly cost: bigint;
  readonly collected: bigint;
  readonly finish: string | null;
}

/** How a request ended. */
export interface Ended {
  readonly userId: string;
  readonly provider: string;
  readonly state: string;
  /** What an estimate may have at most. */
  readonly inputTokensMax: number;
  readonly outputTokensReserved: number;
  /** Null where nothing was charged. */
  readonly charge: Charged | null;
}

/** How all requests ended, by their ids. Waits for the last of them, and for the ledger to add up. */
export async function endsOf(sql: Sql): Promise<Map<string, Ended>> {
  await until("every reservation to be closed", async () => {
    const open = await sql`select from billing.reservations where state = 'open' limit 1`;
    return open.length === 0;
  }, 60_000);
  await assertAllSettled(sql);
  const rows = await sql`
    select r.request_id, r.user_id, r.provider_id, r.state, r.input_tokens_max,
      r.output_tokens_reserved, u.basis, u.input_tokens as input, u.cache_read_tokens as cache_read,
      u.cache_write_5m_tokens as cache_write_5m, u.cache_write_1h_tokens as cache_write_1h,
      u.output_tokens as output, coalesce(u.web_searches, 0) as web_searches, u.finish,
      coalesce(u.other_models_cost, 0)::text as other_models_cost, u.cost::text as cost,
      u.collected::text as collected
    from billing.reservations r left join public.usage_records u using (request_id)`;
  const ends = new Map(rows.map((row) => [row["request_id"] as string, endOf(row)]));
  if (ends.size !== rows.length) throw new Error("A request was charged twice");
  return ends;
}

// deno-lint-ignore no-explicit-any -- A row as the driver gives it: its columns are named above.
function endOf(row: Record<string, any>): Ended {
  const { input, cache_read, cache_write_5m, cache_write_1h, output } = row;
  return {
    userId: row["user_id"],
    provider: row["provider_id"],
    state: row["state"],
    inputTokensMax: row["input_tokens_max"],
    outputTokensReserved: row["output_tokens_reserved"],
    charge: row["basis"] === null ? null : {
      basis: row["basis"],
      tokens: { input, cache_read, cache_write_5m, cache_write_1h, output },
      webSearches: row["web_searches"],
      otherModelsCost: exact(row["other_models_cost"]),
      cost: exact(row["cost"]),
      collected: exact(row["collected"]),
      finish: row["finish"],
    },
  };
}

/** What was collected from each user. */
export function collectedByUser(ends: Iterable<Ended>): Map<string, bigint> {
  const sums = new Map<string, bigint>();
  for (const { userId, charge } of ends) {
    sums.set(userId, (sums.get(userId) ?? 0n) + (charge?.collected ?? 0n));
  }
  return sums;
}

/** What the ledger says of some requests. */
import { exact } from "../support/charges.ts";
import type { Sql } from "../support/connect.ts";

export interface Charge {
  readonly request_id: string;
  readonly sequence: number;
  readonly user_id: string | null;
  readonly price_version: string;
  readonly model_id: string;
  readonly cost: string;
  readonly collected: string;
  readonly uncollected: string;
  readonly balance_before: string | null;
  readonly basis: "reported" | "estimated" | "checkpoint";
}

export interface Hold {
  readonly request_id: string;
  readonly state: string;
  readonly price_version: string;
  readonly input_tokens_max: number;
  readonly output_tokens_reserved: number;
  /** Its price was the valid one when it was reserved. */
  readonly is_in_force: boolean;
  /** The sweeper ended it, as its worker gave no more sign of life. */
  readonly was_swept: boolean;
  /** A repeat has its Idempotency-Key: it cannot be charged any more. */
  readonly was_taken_over: boolean;
}

export interface LedgerRows {
  readonly charges: ReadonlyMap<string, readonly Charge[]>;
  readonly holds: ReadonlyMap<string, Hold>;
  /** What so many tokens cost at a version of a price, in 1e-10 USD. */
  costOf(version: string, input: number, output: number): bigint;
}

export async function readLedger(sql: Sql, ids: readonly string[]): Promise<LedgerRows> {
  const charges = Map.groupBy(
    await sql<Charge[]>`
      select request_id, sequence, user_id, price_version::text, model_id, cost::text,
        collected::text, uncollected::text, balance_before::text, basis
      from public.usage_records where request_id = any (${ids as string[]}::uuid[])
      order by sequence`,
    (row) => row.request_id,
  );
  const holds = await sql<Hold[]>`
    select r.request_id, r.state, r.price_version::text, r.input_tokens_max,
      r.output_tokens_reserved, r.key_taken_over_at is not null as was_taken_over,
      r.created_at >= h.effective_from - interval '10 seconds'
        and (h.effective_to is null or r.created_at <= h.effective_to + interval '10 seconds')
        as is_in_force,
      exists (
        select from billing.incidents i
        where i.kind = 'expired_reservation' and i.request_id = r.request_id
      ) as was_swept
    from billing.reservations r join billing.model_pricing_history h using (price_version)
    where r.request_id = any (${ids as string[]}::uuid[])`;
  const prices = new Map((await sql`
      select price_version::text as version, input_per_1k::text as input,
        output_per_1k::text as output
      from billing.model_pricing_history`).map((row) => [
    row["version"] as string,
    { input: exact(row["input"]), output: exact(row["output"]) },
  ]));
  return {
    charges,
    holds: new Map(holds.map((hold) => [hold.request_id, hold])),
    costOf(version, input, output) {
      const price = prices.get(version)!;
      return (BigInt(input) * price.input + BigInt(output) * price.output) / 1000n;
    },
  };
}

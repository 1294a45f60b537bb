/**
 * A house with a past: users with credit, and as many charges as are wanted, each as a real one is
 * written. Indexes are there while they come, in the order of time, so that they are as full as an
 * app's own would be.
 */
import type { Sql } from "../../tests/support/connect.ts";

export const USERS = 10_000;
/** Every user asks ten times a day, and a chat has about eight questions. */
const SECONDS_A_RECORD = 86_400 / (10 * USERS);
const QUESTIONS_A_CHAT = 8;
/** Enough for whatever is asked of one user here. */
const CREDIT = 1_000_000;
const RECORDS_A_STATEMENT = 250_000;

/** The id of the n-th user, from 1. */
export function userId(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`;
}

/** Users who have been welcomed, and their credit. `sql`: the superuser, in a database without rows. */
export async function fillUsers(sql: Sql): Promise<void> {
  await sql.begin(async (sql) => {
    // What no trigger is asked about: nobody has to be welcomed.
    await sql`set local session_replication_role = replica`;
    await sql`create temp table person on commit drop as
      select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as id, n
      from generate_series(1, ${USERS}) n`;
    await sql`insert into auth.users (id, email)
      select id, 'bench-' || n || '@example.com' from person`;
    await sql`insert into public.user_balances (user_id, balance, welcomed_at)
      select id, ${CREDIT}, now() from person`;
    await sql`insert into public.balance_transactions
        (user_id, kind, amount, balance_after, idempotency_key, note)
      select id, 'grant', ${CREDIT}::integer, ${CREDIT}::integer, 'welcome:' || id, 'Welcome credit'
      from person`;
  });
  await sql`vacuum analyze`;
}

/** Charges of `fillUsers`' users up to now; balances are what they leave, so the ledger adds up. */
export async function fillRecords(
  sql: Sql,
  records: number,
  progress: (text: string) => void,
): Promise<void> {
  await sql`set session_replication_role = replica`;
  for (let done = 0; done < records; done += RECORDS_A_STATEMENT) {
    await fillSome(sql, done + 1, Math.min(done + RECORDS_A_STATEMENT, records), records);
    if (done % 1_000_000 === 0 && done > 0) progress(`${done / 1_000_000} million records`);
  }
  await sql`update public.user_balances b set balance = ${CREDIT} - used.total
    from (select user_id, sum(collected) as total from public.usage_records group by user_id) used
    where used.user_id = b.user_id`;
  await sql`set session_replication_role = origin`;
  await sql`vacuum analyze`;
}

async function fillSome(sql: Sql, from: number, to: number, records: number): Promise<void> {
  await sql`
    insert into public.usage_records (
      request_id, user_id, chat_id, provider_id, model_id, price_version, input_tokens,
      output_tokens, cost, collected, uncollected, balance_before, balance_after, basis,
      provider_request_id, finish, first_token_ms, duration_ms, created_at
    )
    select
      -- A UUID version 7 of that moment.
      overlay(
        random.hex placing lpad(to_hex((extract(epoch from t.at) * 1000)::bigint), 12, '0') || '7'
        from 1 for 13
      )::uuid,
      ('00000000-0000-4000-8000-' || lpad(to_hex(used.who), 12, '0'))::uuid,
      md5(used.who || ' chat ' || n / ${USERS * QUESTIONS_A_CHAT}::integer)::uuid::text,
      p.provider_id, p.model_id, p.price_version, used.input, used.output, c.cost, c.cost, 0,
      b.balance + c.cost, b.balance, 'reported',
      'chatcmpl-' || left(translate(encode(sha256(random.hex::bytea), 'base64'), '+/=', 'xyz'), 29),
      'stop', 300 + n % 700, 1500 + n % 9000, t.at
    from generate_series(${from}::integer, ${to}::integer) n
    cross join lateral (select abs(hashint4(n)::bigint) as h) x
    cross join lateral (
      select x.h % ${USERS}::integer + 1 as who, 200 + x.h % 3001 as input, 50 + x.h % 701 as output
    ) used
    cross join lateral (select md5('request ' || n) as hex) random
    cross join lateral (
      select now() - (${records}::integer - n) * ${SECONDS_A_RECORD}::float8 * interval '1 second' as at
    ) t
    cross join lateral (
      select * from public.model_pricing m
      where m.provider_id = 'openai' and m.model_id = 'gpt-4o' and n > 0
    ) p
    cross join lateral (
      select (used.input * p.input_per_1k + used.output * p.output_per_1k) * 0.001 as cost
    ) c
    -- About what a user with so many charges has left; reconcile() adds up the collected.
    cross join lateral (select 100 - (n / ${USERS}::integer % 15000) * 0.0053275 as balance) b
    order by n`;
}

/** One month in numbers, from assumptions and bytes a record. Pure: what is measured is passed in. */
import { FREE, PRO, PRO_USD_MONTH, type Quota } from "./supabase_prices.ts";

export type Habits = {
  users: number;
  requestsPerDay: number;
  answerTokens: number;
  promptBytes: number;
  keepsHistory: boolean;
};

/** Bytes on disk, with indexes, of one row of each. */
export type BytesARecord = { charge: number; reservation: number; account: number };

/** Measured by us: 1,000,000 charges, 10,000 accounts with a grant, 500 reservations, PostgreSQL 17. */
export const MEASURED: BytesARecord = { charge: 375, reservation: 1_507, account: 790 };

/**
 * Bytes of a streamed answer for each of its tokens: one event a token, as OpenAI sends them, with its
 * padding. The median of 112 recorded streams of all dialects is 38, as many put several into one.
 */
const ANSWER_BYTES_A_TOKEN = 330;
/** Headers and the rest of an answer, the balance that is read after it, and our own calls of the ledger. */
const ANSWER_BYTES_BESIDE = 1_300 + 900 + 1_400;
/** A chat, and the balance read after it. Preflights are not billed. */
const INVOCATIONS_A_REQUEST = 2;
/** Of a kept exchange, beside what was sent and answered: its row and its index. */
const EXCHANGE_BYTES_BESIDE = 300;
const DAYS = 30;
/** Closed reservations are kept for two days. */
const RESERVATION_DAYS = 2;

export type Month = {
  requests: number;
  rows: number;
  /** What a month adds. */
  storage_growth_bytes: number;
  /** What is there in the end: of now, of its reservations, and a month's growth. */
  storage_bytes: number;
  egress_bytes: number;
  invocations: number;
  monthly_users: number;
};

/** A month of 30 days. `now_bytes` is the size of the database as it is; `newUsers` have no account yet. */
export function monthOf(
  habits: Habits,
  bytes: BytesARecord,
  now: { bytes: number; accounts: number },
): Month {
  const requests = habits.requestsPerDay * DAYS;
  const newUsers = Math.max(0, habits.users - now.accounts);
  const answer = habits.answerTokens * ANSWER_BYTES_A_TOKEN;
  const history = habits.keepsHistory
    ? requests * (habits.promptBytes + answer + EXCHANGE_BYTES_BESIDE)
    : 0;
  const growth = requests * bytes.charge + newUsers * bytes.account + history;
  const reservations = habits.requestsPerDay * RESERVATION_DAYS * bytes.reservation;
  return {
    requests,
    rows: requests * (habits.keepsHistory ? 2 : 1) + newUsers * 2,
    storage_growth_bytes: Math.round(growth),
    storage_bytes: Math.round(now.bytes + reservations + growth),
    egress_bytes: requests * (answer + ANSWER_BYTES_BESIDE),
    invocations: requests * INVOCATIONS_A_REQUEST,
    monthly_users: habits.users,
  };
}

export type Meter = keyof typeof FREE;
export const METERS = Object.keys(FREE) as Meter[];

/** Which quotas of Free a month is above; none: Free will do. */
export function aboveFree(month: Month): Meter[] {
  return METERS.filter((meter) => month[meter] > FREE[meter]);
}

/** USD of a month on Pro: the fee, and what is above its quotas. A forecast, in floats: nobody is charged it. */
export function proBill(month: Month): { total: number; above: Record<Meter, number> } {
  const above = Object.fromEntries(
    METERS.map((meter) => [meter, overage(month[meter], PRO[meter])]),
  ) as Record<Meter, number>;
  const total = METERS.reduce((sum, meter) => sum + above[meter], PRO_USD_MONTH);
  return { total, above };
}

function overage(used: number, quota: Quota): number {
  const units = Math.max(0, used - quota.included) / quota.unit;
  return (quota.isWholeUnits ? Math.ceil(units) : units) * quota.usdPerUnit;
}

/** Months until the database has grown to `limit`; null: never, at this rate. */
export function monthsUntil(month: Month, limit: number): number | null {
  if (month.storage_bytes > limit) return 0;
  if (month.storage_growth_bytes === 0) return null;
  return Math.floor((limit - month.storage_bytes) / month.storage_growth_bytes) + 1;
}

/**
 * What Supabase takes, as its documentation said on the day below. An operator checks it before a
 * decision hangs on it: the source is printed with every estimate.
 */
export const PRICE_LIST = {
  read_on: "2026-11-22",
  source: "https://supabase.com/docs/guides/platform/billing-on-supabase",
} as const;

/** In units of the meter: bytes, invocations, users. A gigabyte is 10^9 bytes. */
export type Quota = { included: number; unit: number; usdPerUnit: number; isWholeUnits: boolean };

const GB = 1e9;

/** Free: more than this is not served, whatever one would pay. */
export const FREE = {
  storage_bytes: 0.5 * GB,
  egress_bytes: 5 * GB,
  invocations: 500_000,
  monthly_users: 50_000,
} as const;

/** $25 a month; one project on the smallest computer is within its credits. */
export const PRO_USD_MONTH = 25;

/** Pro: what is beyond the quota is billed by the unit; invocations by whole millions. */
export const PRO: Readonly<Record<keyof typeof FREE, Quota>> = {
  storage_bytes: { included: 8 * GB, unit: GB, usdPerUnit: 0.125, isWholeUnits: false },
  egress_bytes: { included: 250 * GB, unit: GB, usdPerUnit: 0.09, isWholeUnits: false },
  invocations: { included: 2_000_000, unit: 1_000_000, usdPerUnit: 2, isWholeUnits: true },
  monthly_users: { included: 100_000, unit: 1, usdPerUnit: 0.00325, isWholeUnits: false },
};

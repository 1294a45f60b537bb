/** A month at Supabase, by hand. */
import { assertEquals } from "@std/assert";
import { aboveFree, type Habits, monthOf, monthsUntil, proBill } from "../../cli/usage/month.ts";

const BYTES = { charge: 400, reservation: 1_500, account: 800 };
const EMPTY = { bytes: 10_000_000, accounts: 0 };

const habits = (more: Partial<Habits>): Habits => ({
  users: 1_000,
  requestsPerDay: 1_000,
  answerTokens: 100,
  promptBytes: 5_000,
  keepsHistory: false,
  ...more,
});

Deno.test("a month is 30 days of charges, and the accounts that are new", () => {
  const month = monthOf(habits({}), BYTES, { ...EMPTY, accounts: 400 });
  assertEquals(month, {
    requests: 30_000,
    rows: 30_000 + 2 * 600,
    storage_growth_bytes: 30_000 * 400 + 600 * 800,
    storage_bytes: 10_000_000 + 2_000 * 1_500 + 30_000 * 400 + 600 * 800,
    egress_bytes: 30_000 * (100 * 330 + 3_600),
    invocations: 60_000,
    monthly_users: 1_000,
  });
  assertEquals(monthOf(habits({}), BYTES, { ...EMPTY, accounts: 5_000 }).rows, 30_000);
});

Deno.test("kept history adds what was sent and answered", () => {
  const [without, with_] = [false, true].map((keepsHistory) =>
    monthOf(habits({ keepsHistory }), BYTES, EMPTY)
  );
  const added = with_!.storage_growth_bytes - without!.storage_growth_bytes;
  assertEquals(added, 30_000 * (5_000 + 100 * 330 + 300));
});

Deno.test("a quota that is just used up is enough, and one more is not", () => {
  const month = monthOf(habits({ requestsPerDay: 0, users: 50_000 }), BYTES, EMPTY);
  assertEquals(aboveFree(month), []);
  assertEquals(aboveFree({ ...month, monthly_users: 50_001, invocations: 500_001 }), [
    "invocations",
    "monthly_users",
  ]);
});

Deno.test("Pro bills gigabytes and users in part, and invocations by whole millions", () => {
  const month = monthOf(habits({ requestsPerDay: 0, users: 0 }), BYTES, EMPTY);
  assertEquals(proBill(month).total, 25);
  const bill = proBill({
    ...month,
    storage_bytes: 10e9,
    egress_bytes: 251e9,
    invocations: 3_000_001,
    monthly_users: 100_100,
  });
  assertEquals(bill.above.storage_bytes, 0.25);
  assertEquals(bill.above.egress_bytes, 0.09);
  assertEquals(bill.above.invocations, 4);
  assertEquals(bill.above.monthly_users.toFixed(3), "0.325");
  assertEquals(bill.total.toFixed(3), "29.665");
});

Deno.test("the month in which the database is full is told, or that there is none", () => {
  const month = monthOf(habits({ requestsPerDay: 0, users: 0 }), BYTES, EMPTY);
  assertEquals(monthsUntil(month, 500e6), null);
  const growing = { ...month, storage_bytes: 100, storage_growth_bytes: 10 };
  assertEquals([monthsUntil(growing, 100), monthsUntil(growing, 109), monthsUntil(growing, 110)], [
    1,
    1,
    2,
  ]);
  assertEquals(monthsUntil(growing, 99), 0);
});

/**
 * Realtime as supabase-js speaks it, against a stand-in for its server in front of a whole stack: the
 * balance follows other devices and the operator; where Realtime refuses, it is polled.
 */
import { assert, assertEquals } from "@std/assert";
import { createFarebox } from "../../../web/client/mod.ts";
import { startTestStack } from "../../support/stack.ts";
import { until } from "../../support/until.ts";
import {
  asking,
  balanceInDatabase,
  balancesOf,
  hear,
  memoryStorage,
  samePerson,
  signUp,
  supabaseOf,
  userPage,
} from "./client_harness.ts";
import { type RealtimeAnswer, startRealtime } from "./realtime_stand_in.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

async function withRealtime(
  answer: RealtimeAnswer,
  test: (page: Awaited<ReturnType<typeof openPage>>) => Promise<void>,
  pollMs = 60_000,
): Promise<void> {
  const page = await openPage(answer, pollMs);
  try {
    await test(page);
  } finally {
    page.farebox.close();
    await page.supabase.removeAllChannels();
    await page.supabase.realtime.disconnect();
    await page.realtime.stop();
  }
}

async function openPage(answer: RealtimeAnswer, pollMs: number) {
  const { publishableKey } = stack.details;
  const realtime = startRealtime(stack.url, answer);
  const { url } = realtime;
  const supabase = supabaseOf(url, publishableKey);
  const userId = await signUp(supabase);
  const farebox = createFarebox({
    supabase,
    url,
    publishableKey,
    pollMs,
    storage: memoryStorage(),
  });
  return { realtime, supabase, farebox, userId };
}

const credit = (userId: string) =>
  stack.sql`
    select public.grant_credit(p_user_id => ${userId}, p_amount => '5', p_kind => 'adjustment',
      p_key => ${crypto.randomUUID()}, p_note => 'a gift')`;

Deno.test("once Realtime tells, what another device spends and the operator gives is told without a poll", () =>
  withRealtime("ok", async ({ realtime, supabase, farebox, userId }) => {
    const balances = balancesOf(farebox);
    const joined = await until("the subscription", () => realtime.joined[0]);
    assertEquals(
      joined.changes.map(({ event, schema, table, filter }) => [event, schema, table, filter]),
      ["usage_records", "balance_transactions"].map((
        table,
      ) => ["INSERT", "public", table, `user_id=eq.${userId}`]),
    );
    await until("the balance", () => balances.last() === "10");
    const other = await samePerson({ supabase, farebox, userId }, stack);
    await hear(other.farebox.streamChat(asking()));
    realtime.tell("usage_records", userId);
    const left = await balanceInDatabase(stack, userId);
    await until("the charge", () => balances.last() === left);
    await credit(userId);
    realtime.tell("balance_transactions", userId);
    const more = await balanceInDatabase(stack, userId);
    await until("the credit", () => balances.last() === more);
    assert(Number(more) > 14);
  }));

for (const answer of ["refused", "system_error", "silent"] as const) {
  Deno.test(`where Realtime's answer is ${answer}, the balance is polled`, () =>
    withRealtime(answer, async ({ realtime, farebox, userId }) => {
      const balances = balancesOf(farebox);
      await until("the attempt to subscribe", () => realtime.joined.length > 0);
      await until("the balance", () => balances.last() === "10");
      await credit(userId);
      await until("the credit", () => balances.last() === "15");
    }, 50));
}

Deno.test("a connection that Realtime loses is polled for, and told again once it is back", () =>
  withRealtime("ok", async ({ realtime, farebox, userId }) => {
    const balances = balancesOf(farebox);
    await until("the balance", () => realtime.joined.length === 1 && balances.last() === "10");
    await until("to be live", () => balances.told.length >= 2);
    realtime.drop();
    await credit(userId);
    await until("the credit", () => balances.last() === "15");
    await until("the second subscription", () => realtime.joined.length === 2, 30_000);
  }, 100));

Deno.test("signing out leaves the channel, and somebody else's rows are listened to after signing in", () =>
  withRealtime("ok", async ({ realtime, supabase, farebox, userId }) => {
    const balances = balancesOf(farebox);
    await until("the subscription", () => realtime.joined.length === 1);
    await supabase.auth.signOut();
    await until("the guest", () => balances.told.at(-1)?.kind === "guest");
    await until("the channel to be left", () => realtime.open() === 0);
    const next = await signUp(supabase);
    const joined = await until("the next subscription", () => realtime.joined[1]);
    assertEquals(joined.changes[0]?.filter, `user_id=eq.${next}`);
    assert(next !== userId);
    await until("the next one's balance", () => balances.last() === "10");
  }));

Deno.test("two devices agree by polling alone", async () => {
  const page = await userPage(stack, { pollMs: 50 });
  const other = await samePerson(page, stack, { pollMs: 50 });
  const [mine, others] = [balancesOf(page.farebox), balancesOf(other.farebox)];
  await until("both balances", () => mine.last() === "10" && others.last() === "10");
  // As on another device: no channel of the browser between them.
  await hear(page.farebox.streamChat(asking()));
  await credit(page.userId);
  const left = await balanceInDatabase(stack, page.userId);
  await until("both to agree", () => mine.last() === left && others.last() === left);
  page.farebox.close();
  other.farebox.close();
});

/**
 * A house of 10,000 users and 1,000,000 charges, through the Data API and the tool as an operator has
 * them. The tests are in order: the users are there first, then they are credited, then they have used.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { withRole } from "../../local/database.ts";
import { connect } from "../support/connect.ts";
import { fareboxCommand, runFarebox } from "../support/farebox.ts";
import { startTestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const USERS = 10_000;
const CHARGES_A_USER = 100;
const DAYS = 25;
const INIT_USERS_MS_MAX = 5 * 60_000;
const RECONCILE_MS_MAX = 10_000;

const stack = await startTestStack();
// What no trigger and no check is asked about, a million times.
const admin = connect(withRole(stack.details.dbUrl, "supabase_admin"), { max: 1 });
Deno.test.afterAll(async () => {
  await admin.end();
  await stack.stop();
});

/** How often users have been credited: one who has two is told apart from two who have one. */
async function credits() {
  const [row] = await stack.sql<{ users: number; credits: number; keys: number; sum: string }[]>`
    select
      count(distinct user_id)::int as users,
      count(*)::int as credits,
      count(distinct idempotency_key)::int as keys,
      trim_scale(coalesce(sum(amount), 0)) as sum
    from public.balance_transactions where note = 'Credit for existing users'`;
  return row!;
}

const ALL = { users: USERS, credits: USERS, keys: USERS, sum: String(USERS * 5) };
const INIT = ["--json", "init-users", "--amount", "5", "--yes"];

Deno.test("init-users that is killed in the middle is completed by the next run, each user once, within 5 minutes", async () => {
  await admin`set session_replication_role = replica`;
  await admin`
    insert into auth.users (id, email)
    select gen_random_uuid(), 'before-' || n || '@example.com' from generate_series(1, ${USERS}) n`;
  const startedAt = performance.now();
  // Small pages, so that there is a middle.
  const process = fareboxCommand(stack, [...INIT, "--page", "20"]).spawn();
  await until("some users to be credited", async () => (await credits()).users > 500, 60_000);
  process.kill("SIGKILL");
  const { signal } = await process.output();
  const { users } = await credits();
  assertEquals(signal, "SIGKILL");
  assert(users < USERS, "it was killed before its end");

  const second = await runFarebox(stack, INIT);
  assertEquals(second.code, 0, second.err);
  const { granted, already } = JSON.parse(second.out);
  // A page of the killed run may still have been committed after it was counted here.
  assert(granted <= USERS - users, `${granted} more than ${USERS - users}`);
  assertEquals(granted + already, USERS + 1, "and the demo user, who was welcomed");
  assertEquals(await credits(), ALL);
  assert(performance.now() - startedAt < INIT_USERS_MS_MAX);
});

Deno.test("a third run changes nothing", async () => {
  const third = await runFarebox(stack, INIT);
  assertEquals([third.code, JSON.parse(third.out).granted], [0, 0]);
  assertMatch((await runFarebox(stack, ["init-users", "--amount", "9"])).out, /nothing to grant/);
  assertEquals(await credits(), ALL);
});

Deno.test("1,000,000 charges are reconciled within 10 s, through the Data API and by the tool", async () => {
  await admin`
    insert into public.usage_records (
      request_id, user_id, chat_id, provider_id, model_id, price_version, input_tokens,
      output_tokens, cost, collected, uncollected, balance_before, balance_after, basis,
      provider_request_id, finish, first_token_ms, duration_ms, created_at
    )
    select
      gen_random_uuid(), u.id, u.id || ':' || n / 10, 'openai', 'gpt-4o', p.price_version, 1000, 300,
      0.0055, 0.0055, 0, 5 - 0.0055 * (n - 1), 5 - 0.0055 * n, 'reported',
      'chatcmpl-' || md5(u.id::text || n), 'stop', 400, 5000, date_trunc('day', now() at time zone 'UTC') at time zone 'UTC' - n % ${DAYS} * interval '1 day'
    from generate_series(1, ${CHARGES_A_USER}) n
    cross join (select id from auth.users where email like 'before-%') u
    cross join (select price_version from public.model_pricing where model_id = 'gpt-4o') p`;
  await admin`
    update public.user_balances b set balance = balance - 0.0055 * ${CHARGES_A_USER}
    from auth.users u where u.id = b.user_id and u.email like 'before-%'`;

  const { secretKey } = stack.details;
  const startedAt = performance.now();
  const response = await fetch(`${stack.url}/rest/v1/rpc/reconcile`, {
    method: "POST",
    headers: { apikey: secretKey, "content-type": "application/json" },
    body: "{}",
  });
  const proof = await response.json();
  const apiMs = performance.now() - startedAt;
  assertEquals([response.status, proof.accounts, proof.violations], [200, USERS + 1, []]);
  assert(apiMs < RECONCILE_MS_MAX, `${apiMs} ms`);

  const tool = await runFarebox(stack, ["reconcile"]);
  assertEquals([tool.code, tool.out], [
    0,
    `✓ ${USERS + 1} accounts: every balance is its credits minus its charges.\n`,
  ]);
  assert(performance.now() - startedAt - apiMs < RECONCILE_MS_MAX);
});

Deno.test("one wrong balance among them is found, and the tool exits with 1", async () => {
  await admin`
    update public.user_balances set balance = balance + 0.0000000001
    where user_id = (select id from auth.users where email = 'before-77@example.com')`;
  const { code, out } = await runFarebox(stack, ["reconcile"]);
  assertEquals(code, 1);
  assertMatch(
    out,
    /^✗ balance_is_credits_minus_charges user .*: expected 4\.45, is 4\.4500000001\n$/,
  );
});

Deno.test("reports of a million charges come by user, model and day, exact to the last decimal", async () => {
  for (const [by, groups] of [["user", USERS], ["model", 1], ["day", DAYS]] as const) {
    const { code, out, err } = await runFarebox(stack, ["--json", "usage", "report", "--by", by]);
    assertEquals(code, 0, err);
    const report = JSON.parse(out);
    assertEquals(report.groups.length, groups, by);
    assertEquals([report.total.requests, report.total.cost], [USERS * CHARGES_A_USER, "5500"]);
    assertEquals(report.total.tokens.input, 1_000_000_000);
  }
  const { out } = await runFarebox(stack, [
    "--json",
    "estimate",
    "--users",
    "1",
    "--requests-per-day",
    "1",
  ]);
  const { measured_here, bytes_a_record } = JSON.parse(out);
  assertEquals(measured_here, true);
  assert(bytes_a_record.charge > 250 && bytes_a_record.charge < 600, `${bytes_a_record.charge}`);
});

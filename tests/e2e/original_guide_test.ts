/** The verification queries of the original deployment guide, word for word, and its health check. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { connect } from "../support/connect.ts";
import { startTestStack } from "../support/stack.ts";
import { post, QUESTION, settled } from "./clients_harness.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());
const [ada, bob] = [await stack.signUp(), await stack.signUp()];
for (const user of [ada, bob]) {
  await post(stack, user, QUESTION).then((response) => response.body?.cancel());
}
await settled(stack);

Deno.test("1: the three tables exist", async () => {
  const rows = await stack.sql`
    SELECT table_name
    FROM information_schema.tables
    WHERE table_schema = 'public'
      AND table_name IN ('model_pricing', 'usage_records', 'user_balances')`;
  assertEquals(rows.length, 3);
});

Deno.test("2: there are 23 prices", async () => {
  const rows = await stack.sql`SELECT COUNT(*) FROM model_pricing`;
  assertEquals(rows[0]?.count, "23");
});

Deno.test("3: row level security is on for all three", async () => {
  const rows = await stack.sql`
    SELECT tablename, rowsecurity
    FROM pg_tables
    WHERE schemaname = 'public'
      AND tablename IN ('model_pricing', 'usage_records', 'user_balances')`;
  assertEquals(rows.map(({ rowsecurity }) => rowsecurity), [true, true, true]);
});

Deno.test("4: each has several indexes", async () => {
  const rows = await stack.sql`
    SELECT tablename, indexname
    FROM pg_indexes
    WHERE schemaname = 'public'
      AND tablename IN ('model_pricing', 'usage_records', 'user_balances')`;
  for (const table of ["model_pricing", "usage_records", "user_balances"]) {
    assert(rows.filter(({ tablename }) => tablename === table).length >= 2, table);
  }
});

Deno.test("5: gpt-4o of openai has a price", async () => {
  const rows = await stack.sql`
    SELECT * FROM model_pricing WHERE model_id = 'gpt-4o' AND provider_id = 'openai'`;
  assertEquals(rows.length, 1);
});

Deno.test("the guide's RLS test: with SET ROLE and request.jwt.claim.sub a user sees one row, their own", async () => {
  const session = connect(stack.details.dbUrl, { max: 1 });
  try {
    await session.unsafe("SET ROLE authenticated");
    await session.unsafe(`SET request.jwt.claim.sub = '${ada.id}'`);
    const balances = await session.unsafe("SELECT * FROM user_balances");
    assertEquals(balances.map(({ user_id }) => user_id), [ada.id]);
    for (const table of ["usage_records", "balance_transactions", "account_statement"]) {
      const rows = await session.unsafe(`SELECT * FROM ${table}`);
      assert(rows.length > 0, table);
      assertEquals(rows.filter(({ user_id }) => user_id !== ada.id), [], table);
    }
    for (
      const forbidden of [
        "UPDATE user_balances SET balance = 1000",
        `INSERT INTO user_balances (user_id, balance) VALUES ('${crypto.randomUUID()}', 5)`,
        "DELETE FROM usage_records",
        "TRUNCATE balance_transactions",
        "UPDATE model_pricing SET input_per_1k = 0",
        `SELECT grant_credit('${ada.id}', '5', 'top_up', 'mine', null)`,
        `SELECT account_balance('${bob.id}')`,
        `SELECT refund('${crypto.randomUUID()}', '1', 'k', 'r')`,
        "SELECT expire(1)",
        "SELECT * FROM billing.settings",
        `SELECT billing.welcome('${ada.id}')`,
        "ALTER TABLE user_balances DISABLE ROW LEVEL SECURITY",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'select 1'",
      ]
    ) {
      const error = await assertRejects(() => session.unsafe(forbidden), Error, "", forbidden);
      assertEquals((error as Error & { code: string }).code, "42501", forbidden);
    }
    await session.unsafe("RESET request.jwt.claim.sub");
    assertEquals((await session.unsafe("SELECT * FROM user_balances")).length, 0, "nobody");
  } finally {
    await session.end({ timeout: 1 });
  }
});

Deno.test("the guide's health checks answer as it says", async () => {
  const health = await fetch(`${stack.functionsUrl}/pricing-health`);
  assertEquals(health.status, 200);
  assertEquals(await health.json(), { status: "ok" });
  const someone = await stack.signUp();
  const balance = await fetch(`${stack.functionsUrl}/balance`, {
    headers: { authorization: `Bearer ${someone.token}` },
  });
  const body = await balance.json();
  assertEquals({ balance: body.balance, currency: body.currency }, {
    balance: 10,
    currency: "USD",
  });
});

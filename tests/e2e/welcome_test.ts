import { assert, assertEquals, assertMatch } from "@std/assert";
import { Webhook } from "standardwebhooks";
import { chat } from "../support/chat.ts";
import {
  accountOf,
  ask,
  assertAllSettled,
  type Charge,
  costByHand,
  exact,
} from "../support/charges.ts";
import { startTestStack, type TestUser } from "../support/stack.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

/** Tells init-balance something. */
function tell(headers: Record<string, string>, body: unknown): Promise<Response> {
  return fetch(`${stack.functionsUrl}/init-balance`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

/** As a database webhook on `auth.users` does. */
async function tellByWebhook(user: TestUser): Promise<{ state: string }> {
  const response = await tell({ authorization: `Bearer ${stack.details.secretKey}` }, {
    type: "INSERT",
    schema: "auth",
    table: "users",
    record: { id: user.id },
    old_record: null,
  });
  assertEquals(response.status, 200);
  return await response.json();
}

function hookBody(name: string, user: { id: string; email: string }) {
  return {
    metadata: { uuid: crypto.randomUUID(), time: new Date(), name, ip_address: "203.0.113.9" },
    user: { id: user.id, email: user.email, is_anonymous: false },
  };
}

/** Standard Webhooks headers of a message that is `ageSeconds` old. */
function signed(body: unknown, secret: string, ageSeconds = 0): Record<string, string> {
  const at = new Date(Date.now() - ageSeconds * 1_000);
  return {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
    "webhook-signature": new Webhook(secret.replace(/^v1,/, "")).sign(
      "msg_1",
      at,
      JSON.stringify(body),
    ),
  };
}

/** Amounts that the user was welcomed with. */
async function welcomes(user: { id: string }): Promise<string[]> {
  const rows = await stack.sql<{ amount: string }[]>`
    select trim_scale(amount)::text as amount from public.balance_transactions
    where user_id = ${user.id}`;
  return rows.map((row) => row.amount);
}

Deno.test("the welcome credit is granted once: by the trigger, whatever webhook, hook and first requests say afterwards", async () => {
  const user = await stack.signUp();
  assertEquals(await welcomes(user), ["10"]);
  for (let replay = 0; replay < 3; replay++) {
    assertEquals((await tellByWebhook(user)).state, "already_granted");
    const body = hookBody("after-user-created", user);
    const response = await tell(signed(body, stack.hookSecret), body);
    assertEquals([response.status, await response.text()], [200, "{}"]);
  }
  assertEquals((await ask<{ balance: number }>(stack, user)).balance, 10);
  assertEquals(await welcomes(user), ["10"]);
});

Deno.test("a broken grant blocks no sign-up and is recorded; 50 concurrent first requests make it good, once", async () => {
  const [settings] = await stack.sql`delete from billing.settings returning *`;
  let user: TestUser;
  try {
    user = await stack.signUp();
  } finally {
    await stack.sql`insert into billing.settings ${stack.sql(settings!)}`;
  }
  assertEquals(await welcomes(user), []);
  const incidents = await stack.sql`
    select kind from billing.incidents where user_id = ${user.id}`;
  assertEquals(incidents.map((row) => row["kind"]), ["welcome_failed"]);

  const statuses = await Promise.all(Array.from({ length: 50 }, async (_, i) => {
    const response = await [
      () => chat(stack, user, { script: { output_tokens: 3 }, body: { max_tokens: 3 } }),
      () =>
        fetch(`${stack.functionsUrl}/balance`, {
          headers: { authorization: `Bearer ${user.token}` },
        }),
      async () => {
        await tellByWebhook(user);
        return new Response();
      },
    ][i % 3]!();
    await response.text();
    return response.status;
  }));
  assertEquals(statuses, Array(50).fill(200));
  assertEquals(await welcomes(user), ["10"]);
  const charges = await stack.sql<Charge[]>`
    select provider_id, model_id, input_tokens, cache_read_tokens, output_tokens
    from public.usage_records where user_id = ${user.id}`;
  assertEquals(charges.length, 17);
  let total = 0n;
  for (const charge of charges) total += await costByHand(stack.sql, charge);
  assertEquals(await accountOf(stack.sql, user), { balance: exact("10") - total, reserved: 0n });
  await assertAllSettled(stack.sql);
});

Deno.test("a hook with a bad, foreign, old or future signature is a 401 and decides nothing", async () => {
  const stranger = { id: crypto.randomUUID(), email: "stranger@example.com" };
  const body = hookBody("before-user-created", stranger);
  const foreign = `v1,whsec_${btoa("another secret of another house")}`;
  const good = signed(body, stack.hookSecret);
  const attempts: [string, Record<string, string>][] = [
    ["foreign", signed(body, foreign)],
    ["six minutes old", signed(body, stack.hookSecret, 360)],
    ["six minutes ahead", signed(body, stack.hookSecret, -360)],
    ["of another body", signed({ ...body, more: true }, stack.hookSecret)],
    ["of another message", { ...good, "webhook-id": "msg_2" }],
    ["garbage", { ...good, "webhook-signature": "v1,AAAA" }],
    ["none", {}],
  ];
  for (const [what, headers] of attempts) {
    const response = await tell(headers, body);
    assertEquals(response.status, 401, what);
    const refusal = await response.json();
    assertEquals([refusal.code, refusal.error.code], ["UNAUTHENTICATED", "UNAUTHENTICATED"]);
    assertMatch(refusal.message, /[Ss]ign/);
    assert(!JSON.stringify(refusal).includes(stack.hookSecret.slice(9)));
  }
  const decisions = await stack.sql`
    select from billing.sign_up_decisions where user_id = ${stranger.id}`;
  assertEquals(decisions.length, 0);
  const accepted = await tell(good, body);
  assertEquals([accepted.status, await accepted.text()], [200, "{}"]);
});

Deno.test("a database webhook without our secret is a 401 and grants nothing", async () => {
  const user = await stack.signUp();
  const { publishableKey } = stack.details;
  for (const bearer of [publishableKey, user.token, `${stack.details.secretKey}x`]) {
    const response = await tell({ authorization: `Bearer ${bearer}` }, {
      type: "INSERT",
      schema: "auth",
      table: "users",
      record: { id: user.id },
    });
    assertEquals(response.status, 401);
    await response.body?.cancel();
  }
  assertEquals(await welcomes(user), ["10"]);
});

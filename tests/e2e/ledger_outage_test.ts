import { assert, assertEquals } from "@std/assert";
import { type ArrivedEvent, chat, contentOf, costComment, openChat } from "../support/chat.ts";
import { accountOf, assertAllSettled, chargeOf, costByHand, exact } from "../support/charges.ts";
import { startTestStack } from "../support/stack.ts";
import { until } from "../support/until.ts";

const stack = await startTestStack({ env: { HEARTBEAT_SECONDS: "1" } });
Deno.test.afterAll(() => stack.stop());
// With early starts (docs/adr/0017) one request may be at its provider before the outage is known.
await stack.sql`update billing.settings set early_start_loss_per_day_max = 0`;

/** `GET pricing-health<path>`, as whoever holds the key. */
async function health(path: string, key?: string) {
  const response = await fetch(`${stack.functionsUrl}/pricing-health${path}`, {
    headers: key === undefined ? {} : { apikey: key },
  });
  return { status: response.status, text: await response.text() };
}

/** Fails where the text tells where the database is, or how to get in. */
function assertTellsNoSecret(text: string): void {
  const { dbUrl, secretKey } = stack.details;
  const { password, port } = new URL(dbUrl);
  for (const secret of [dbUrl, password, `:${port}`, secretKey, "postgres://", "ECONNREFUSED"]) {
    assert(!text.includes(secret), `${secret} is in ${text}`);
  }
}

Deno.test("pricing-health says ok to anybody, and its numbers to the secret key alone", async () => {
  assertEquals(await health(""), { status: 200, text: '{"status":"ok"}' });
  const { publishableKey, secretKey } = stack.details;
  const user = await stack.signUp();
  for (const path of ["/details", "/metrics"]) {
    for (const key of [undefined, publishableKey, user.token]) {
      const refused = await health(path, key);
      assert([401, 403].includes(refused.status), `${refused.status} for ${key}`);
      assert(!refused.text.includes("balance_total"));
    }
  }
  const details = JSON.parse((await health("/details", secretKey)).text);
  assertEquals([details.status, details.pricing_rows], ["ok", 23]);
  assertEquals(details.reconcile.violations, []);
  const metrics = await health("/metrics", secretKey);
  assertEquals(metrics.status, 200);
  assert(/^farebox_\w+(\{[^}]*\})? [\d.]+$/m.test(metrics.text), metrics.text);
});

Deno.test("with Postgres stopped, health is a 500 and everything else a 503 that tells nothing of the database; all is well when it is back", async () => {
  const user = await stack.signUp();
  await (await chat(stack, user, { stream: false })).body?.cancel();
  await stack.postgres("stop");
  const refused = await health("");
  assertEquals(refused.status, 500);
  assertEquals(JSON.parse(refused.text).status, "error");
  assertTellsNoSecret(refused.text);
  for (const stream of [true, false]) {
    await fetch(`${stack.demoUrl}/_demo/requests`, { method: "DELETE" });
    const response = await chat(stack, user, { stream });
    assertEquals(response.status, 503);
    assert(response.headers.has("retry-after"));
    const text = await response.text();
    const body = JSON.parse(text);
    assertEquals([body.code, body.error.code], ["LEDGER_UNAVAILABLE", "LEDGER_UNAVAILABLE"]);
    assertTellsNoSecret(text);
    // Fail closed: nothing went to the provider.
    assertEquals(await (await fetch(`${stack.demoUrl}/_demo/requests`)).json(), []);
  }
  const balance = await fetch(`${stack.functionsUrl}/balance`, {
    headers: { authorization: `Bearer ${user.token}` },
  });
  assertEquals(balance.status, 503);
  assertTellsNoSecret(await balance.text());
  await stack.postgres("start");
  await until("health to be ok again", async () => (await health("")).status === 200);
  const again = await chat(stack, user, { stream: false });
  assertEquals(again.status, 200);
  await again.body?.cancel();
  // Each function tells once of what it could not do: health, chat and balance.
  const incidents = await until("the outage to be reported", async () => {
    const rows = await stack.sql`
      select details from billing.incidents where kind = 'database_error' order by id`;
    return rows.length >= 3 && Array.from(rows, (row) => row["details"]);
  });
  assertEquals(incidents.length, 3);
  const operations = incidents.flatMap((details) => Object.keys(details.operations));
  for (const name of ["health_check", "reserve"]) {
    assert(operations.includes(name), `${operations}`);
  }
  for (const { count, first_at, last_at } of incidents) {
    assert(count > 0 && Date.parse(first_at) <= Date.parse(last_at));
  }
});

Deno.test("when Postgres stays away, one log line holds everything for a backfill, and the sweeper settles at the checkpoint when it is back", async () => {
  await stack.sql`update billing.settings set reservation_ttl_seconds = 5`;
  const user = await stack.signUp();
  const chatId = crypto.randomUUID();
  const stream = await openChat(stack, user, {
    headers: { "x-chat-id": chatId },
    script: { output_tokens: 100, stall_after_tokens: 50, stall_ms: 3_000 },
  });
  const events: ArrivedEvent[] = [];
  while (events.length < 40) events.push((await stream.next())!);
  const checkpoint = await until("a checkpoint", async () => {
    const [row] = await stack.sql`
      select checkpoint_output_tokens as tokens from billing.reservations
      where request_id = ${stream.requestId}`;
    return row?.["tokens"] > 0 && row?.["tokens"];
  });
  await stack.postgres("stop");
  events.push(...await stream.rest());
  assertEquals(events.filter((event) => contentOf(event) !== null).length, 100);
  assertEquals([events.at(-1)!.text, costComment(events)], ["data: [DONE]\n\n", null]);

  // After about a minute of trying.
  const line = await stack.logged("Failed to deduct balance", stream.requestId);
  const kept = JSON.parse(line.slice(line.indexOf("{")));
  assertEquals(kept.unsettled, true);
  assertEquals([kept.user_id, kept.chat_id, kept.model], [user.id, chatId, "openai:gpt-4o"]);
  assertEquals([kept.basis, kept.tokens.output, kept.finish], ["reported", 100, "stop"]);
  assert(kept.tokens.input > 0 && kept.provider_request_id.startsWith("chatcmpl-"));
  assertTellsNoSecret(line);

  assert(
    Math.abs(Date.parse(kept.at) - events.at(-1)!.atMs - performance.timeOrigin) < 5_000,
    kept.at,
  );

  await stack.postgres("start");
  const charge = await chargeOf(stack.sql, stream.requestId, 30_000);
  assertEquals(charge.basis, "checkpoint");
  assert(charge.output_tokens >= checkpoint && charge.output_tokens <= 100);
  const cost = await costByHand(stack.sql, charge);
  assertEquals(await accountOf(stack.sql, user), { balance: exact("10") - cost, reserved: 0n });

  const [failed] = await until("the failed deduction to be reported", async () => {
    const rows = await stack.sql`
      select user_id, details from billing.incidents
      where kind = 'deduction_failed' and request_id = ${stream.requestId}`;
    return rows.length > 0 && rows;
  }, 90_000);
  assertEquals([failed?.["user_id"], failed?.["details"].at], [user.id, kept.at]);
  assertEquals(failed?.["details"].tokens, kept.tokens);

  // The backfill: what the line says corrects the charge to the true cost.
  const { tokens } = kept;
  await stack.sql`select public.settle(${stream.requestId}, ${tokens.input}, ${tokens.cache_read},
    ${tokens.cache_write_5m}, ${tokens.cache_write_1h}, ${tokens.output}, 'reported')`;
  const trueCost = await costByHand(stack.sql, {
    ...charge,
    input_tokens: tokens.input,
    output_tokens: 100,
  });
  assertEquals((await accountOf(stack.sql, user)).balance, exact("10") - trueCost);
  await assertAllSettled(stack.sql);
});

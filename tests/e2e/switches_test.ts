import { assert, assertEquals } from "@std/assert";
import { chat, contentOf, openChat } from "../support/chat.ts";
import {
  accountOf,
  assertAllSettled,
  chargeOf,
  costByHand,
  exact,
  setBalance,
} from "../support/charges.ts";
import { runFarebox } from "../support/farebox.ts";
import { startTestStack, type TestStack, type TestUser } from "../support/stack.ts";

async function withStack(
  env: Record<string, string>,
  test: (stack: TestStack, user: TestUser) => Promise<void>,
): Promise<void> {
  const stack = await startTestStack({ env });
  try {
    await test(stack, await stack.signUp());
  } finally {
    await stack.stop();
  }
}

/** A streamed chat, and a whole one: their request ids, checked to be complete answers. */
async function twoAnswers(stack: TestStack, user: TestUser): Promise<string[]> {
  const script = { output_tokens: 2_000 };
  const stream = await openChat(stack, user, { script });
  const events = await stream.rest();
  assertEquals(events.filter((event) => contentOf(event) !== null).length, 2_000);
  assertEquals(events.at(-1)!.text, "data: [DONE]\n\n");
  const response = await chat(stack, user, { script, stream: false });
  assertEquals(response.status, 200);
  assertEquals((await response.json()).usage.completion_tokens, 2_000);
  return [stream.requestId, response.headers.get("x-request-id")!];
}

Deno.test("USAGE_TRACKING=off serves without reserving or charging, whatever the balance, and says so at every use", () =>
  withStack({ USAGE_TRACKING: "off" }, async (stack, user) => {
    await setBalance(stack, user, "0");
    for (const requestId of await twoAnswers(stack, user)) {
      await stack.logged("USAGE_TRACKING is off", requestId);
    }
    assertEquals((await stack.sql`select from billing.reservations`).length, 0);
    assertEquals((await stack.sql`select from public.usage_records`).length, 0);
    assertEquals(await accountOf(stack.sql, user), { balance: 0n, reserved: 0n });
  }));

Deno.test("BALANCE_ENFORCEMENT=observe serves what would have been refused, says so at every use, and collects up to the balance", () =>
  withStack({ BALANCE_ENFORCEMENT: "observe" }, async (stack, user) => {
    await setBalance(stack, user, "0.025");
    const [first, second] = await twoAnswers(stack, user);
    const charges = [await chargeOf(stack.sql, first!), await chargeOf(stack.sql, second!)];
    for (const charge of charges) {
      assertEquals(exact(charge.cost), await costByHand(stack.sql, charge));
      assertEquals(exact(charge.collected) + exact(charge.uncollected), exact(charge.cost));
    }
    assertEquals(exact(charges[0]!.uncollected), 0n);
    assert(exact(charges[1]!.uncollected) > 0n);
    assertEquals(await accountOf(stack.sql, user), { balance: 0n, reserved: 0n });
    await stack.logged("BALANCE_ENFORCEMENT is observe", first!, '"would_refuse":null');

    const [third] = await twoAnswers(stack, user);
    await stack.logged("BALANCE_ENFORCEMENT is observe", third!, "INSUFFICIENT_BALANCE");
    assertEquals(exact((await chargeOf(stack.sql, third!)).collected), 0n);
    await assertAllSettled(stack.sql);
  }));

Deno.test("BALANCE_ENFORCEMENT=off serves and meters, and says so at every use", () =>
  withStack({ BALANCE_ENFORCEMENT: "off" }, async (stack, user) => {
    await setBalance(stack, user, "0.001");
    for (const requestId of await twoAnswers(stack, user)) {
      await stack.logged("BALANCE_ENFORCEMENT is off", requestId);
      const charge = await chargeOf(stack.sql, requestId);
      assertEquals(exact(charge.cost), await costByHand(stack.sql, charge));
    }
    assertEquals(await accountOf(stack.sql, user), { balance: 0n, reserved: 0n });
    await assertAllSettled(stack.sql);
  }));

Deno.test("farebox settings switches BALANCE_ENFORCEMENT and USAGE_TRACKING at the next request of the same worker, and says so at every use", () =>
  withStack({}, async (stack, user) => {
    const set = async (...pairs: string[]) => {
      const { code, err } = await runFarebox(stack, ["settings", "set", ...pairs, "--yes"]);
      assertEquals(code, 0, err);
    };
    const status = async () => {
      const response = await chat(stack, user, { stream: false });
      await response.text();
      return [response.status, response.headers.get("x-request-id")!] as const;
    };
    await setBalance(stack, user, "0.001");
    assertEquals((await status())[0], 402);
    const pid = await stack.functionsPid();

    await set("balance_enforcement", "observe");
    const [observed, observedId] = await status();
    assertEquals(observed, 200);
    await stack.logged("BALANCE_ENFORCEMENT is observe", observedId, "INSUFFICIENT_BALANCE");
    const [incident] = await stack.sql`
      select user_id, details from billing.incidents where kind = 'would_refuse'`;
    assertEquals([incident?.["user_id"], incident?.["details"].code], [
      user.id,
      "INSUFFICIENT_BALANCE",
    ]);
    await set("balance_enforcement", "off");
    const [off, offId] = await status();
    assertEquals(off, 200);
    await stack.logged("BALANCE_ENFORCEMENT is off", offId);
    await set("balance_enforcement", "enforce");
    assertEquals((await status())[0], 402);

    await set("usage_tracking", "off");
    for (const requestId of await twoAnswers(stack, user)) {
      await stack.logged("USAGE_TRACKING is off", requestId);
      const charges = await stack.sql`
        select from public.usage_records where request_id = ${requestId}`;
      assertEquals(charges.length, 0);
    }
    await set("usage_tracking", "on");
    assertEquals((await status())[0], 402);
    assertEquals(await stack.functionsPid(), pid, "the worker was restarted");
    await assertAllSettled(stack.sql);
  }));

Deno.test("of the environment's switch and the setting the weaker counts, and a guest is held whatever they say", () =>
  withStack({ BALANCE_ENFORCEMENT: "observe" }, async (stack, user) => {
    await stack.sql`update billing.settings set balance_enforcement = 'enforce'`;
    await setBalance(stack, user, "0");
    for (const requestId of await twoAnswers(stack, user)) {
      await stack.logged("BALANCE_ENFORCEMENT is observe", requestId);
    }
    await stack.sql`update billing.settings set usage_tracking = 'off'`;
    const guest = { token: stack.details.publishableKey };
    for (const expected of [200, 200, 200, 429]) {
      const response = await chat(stack, guest, { stream: false });
      await response.text();
      assertEquals(response.status, expected);
    }
  }));

Deno.test("LEDGER_OUTAGE=allow serves while the ledger is away, and logs each use with what a backfill needs", () =>
  withStack({ LEDGER_OUTAGE: "allow" }, async (stack, user) => {
    // Prices and identity were read while all was well.
    await twoAnswers(stack, user);
    const before = await accountOf(stack.sql, user);
    await stack.postgres("stop");
    for (const requestId of await twoAnswers(stack, user)) {
      await stack.logged("LEDGER_OUTAGE is allow", requestId);
      const line = await stack.logged("Failed to deduct balance", requestId);
      const kept = JSON.parse(line.slice(line.indexOf("{")));
      assertEquals([kept.unsettled, kept.reason], [true, "no_reservation"]);
      assertEquals([kept.user_id, kept.tokens.output, kept.basis], [user.id, 2_000, "reported"]);
    }
    await stack.postgres("start");
    assertEquals(await accountOf(stack.sql, user), before);
  }));

Deno.test("a misspelled switch keeps chat-proxy from starting, not sign-ups, and the log names it", async () => {
  const stack = await startTestStack({ env: { BALANCE_ENFORCEMENT: "enforced" } });
  try {
    const response = await chat(stack, { token: "anybody's" });
    assertEquals([response.status, (await response.json()).code], [503, "BOOT_ERROR"]);
    await stack.logged("BALANCE_ENFORCEMENT must be one of enforce, observe, off");
    assert((await stack.signUp()).id);
  } finally {
    await stack.stop();
  }
});

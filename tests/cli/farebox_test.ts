/** Commands that move or explain credit, as an operator runs them. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { call, forgetHeartbeats, reserve, settle } from "../support/ledger_calls.ts";
import { runFarebox } from "../support/farebox.ts";
import { startTestStack } from "../support/stack.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

const farebox = (...args: string[]) => runFarebox(stack, args);

/** Somebody with $10, of which a request of 1,000 and 500 tokens has taken 0.0075. */
async function chargedUser() {
  const { id } = await stack.signUp();
  const { requestId } = await reserve(stack.sql, { userId: id, outputTokensMax: 500 });
  await settle(stack.sql, requestId, 1000, 500, "reported", {
    p_provider_request_id: "chatcmpl-1",
  });
  return { id, requestId };
}

async function balanceOf(id: string): Promise<string> {
  const [row] = await stack.sql`
    select trim_scale(balance)::text as balance from user_balances where user_id = ${id}`;
  return row?.["balance"];
}

Deno.test("lesson 27: a grant is made once a key, and a dry run makes none", async () => {
  const { id } = await stack.signUp();
  const grant = ["grant", id, "2.5", "--key", `k-${id}`];
  assertMatch((await farebox(...grant, "--dry-run")).out, /Would grant \$2\.5: .* has \$10/);
  assertMatch((await farebox(...grant)).out, /the balance is \$12\.5/);
  assertMatch((await farebox(...grant)).out, /had granted \$2\.5 before; the balance is \$12\.5/);
  const other = await farebox("grant", id, "3", "--key", `k-${id}`);
  assertEquals(other.code, 1);
  assertMatch(other.err, /was used for another credit.*CONFLICT/s);
});

Deno.test("a dry run says what the real one would of the key: done already, or another credit's", async () => {
  const { id, requestId } = await chargedUser();
  const { id: other } = await stack.signUp();
  const said = async (...args: string[]) => {
    const [dry, real] = [await farebox(...args, "--dry-run"), await farebox(...args)];
    assertEquals(dry.code, real.code, dry.out + dry.err + real.out + real.err);
    return dry;
  };
  await farebox("grant", id, "2", "--key", `g-${id}`);
  await farebox("refund", requestId, "--key", `r-${id}`, "--amount", "0.001");
  await farebox("adjust", id, "-1", "--key", `a-${id}`, "--note", "n");

  assertMatch(
    (await said("grant", id, "2.0", "--key", `g-${id}`)).out,
    /Would do nothing: the key "g-.*" has made this grant of \$2 before; the balance is \$10\.99/,
  );
  const adjusted = ["adjust", id, "-1", "--key", `a-${id}`, "--note", "n"];
  assertMatch((await said(...adjusted)).out, /has made this adjustment of -\$1 before/);
  assertMatch((await farebox(...adjusted)).out, /had adjusted by -\$1 before/);
  const refund = ["refund", requestId, "--key", `r-${id}`];
  assertMatch((await said(...refund)).out, /has made this refund of \$0\.001 before/);

  for (
    const args of [
      ["grant", id, "3", "--key", `g-${id}`],
      ["grant", id, "2", "--key", `g-${id}`, "--kind", "top_up"],
      ["grant", other, "2", "--key", `g-${id}`],
      ["adjust", id, "2", "--key", `g-${id}`, "--note", "n"],
      ["refund", requestId, "--key", `g-${id}`],
      [...refund, "--amount", "0.002"],
    ]
  ) {
    const { code, out, err } = await said(...args);
    assertEquals([code, out], [1, ""]);
    assertMatch(err, /The key '.*' was used for another credit.*\(CONFLICT\)/);
  }
});

Deno.test("a dry run of a grant opens no account and welcomes nobody", async () => {
  const { id } = await stack.signUp();
  await stack.sql`update user_balances set balance = 0, welcomed_at = null where user_id = ${id}`;
  const { out } = await farebox("grant", id, "2", "--key", "k", "--dry-run");
  assertMatch(out, /has \$0 \(\$0 available\), and a welcome credit due/);
  const [row] = await stack.sql`select welcomed_at from user_balances where user_id = ${id}`;
  assertEquals(row?.["welcomed_at"], null);
  await stack.sql`update user_balances set balance = 10, welcomed_at = now() where user_id = ${id}`;
});

Deno.test("an adjustment goes up or down, once a key, and never below what is available", async () => {
  const { id } = await stack.signUp();
  const adjust = (amount: string, key: string, ...more: string[]) =>
    farebox("adjust", id, amount, "--key", key, "--note", "Credited twice", ...more);
  assertMatch((await adjust("-2.5", `a-${id}`)).out, /adjusted by -\$2\.5; the balance is \$7\.5/);
  assertMatch((await adjust("-2.5", `a-${id}`)).out, /the balance is \$7\.5/);
  assertMatch((await adjust("1", `b-${id}`)).out, /the balance is \$8\.5/);

  await reserve(stack.sql, { userId: id, inputTokensMax: 1000, outputTokensMax: 100 });
  const held = "0.0035";
  const tried = await adjust("-8.4966", `c-${id}`, "--dry-run");
  assertEquals(tried.code, 1);
  assertMatch(
    tried.out,
    new RegExp(`Could not adjust by -\\$8\\.4966: .* \\(\\$8\\.4965 available`),
  );
  const refused = await adjust("-8.4966", `c-${id}`);
  assertEquals([refused.code, await balanceOf(id)], [1, "8.5"], held);
  assertMatch(refused.err, /only 8\.4965 USD are available.*INSUFFICIENT_BALANCE/s);
  assertEquals((await adjust("-8.4965", `c-${id}`)).code, 0);
  assertEquals(await balanceOf(id), held);
  const [row] = await stack.sql`
    select note from balance_transactions where user_id = ${id} and amount = -2.5`;
  assertEquals(row?.["note"], "Credited twice");
});

Deno.test("a refund gives back a part, then the rest, once a key, and never more than was charged", async () => {
  const { id, requestId } = await chargedUser();
  const refund = (...args: string[]) => farebox("refund", requestId, "--key", ...args);
  assertMatch(
    (await refund(`r-${id}`, "--dry-run")).out,
    /Would refund \$0\.0075 .*\$0\.0075 of it/,
  );
  assertMatch(
    (await refund(`r-${id}`, "--amount", "0.0015")).out,
    /refunded \$0\.0015; .* \$9\.994/,
  );
  assertMatch((await refund(`r-${id}`, "--amount", "0.0015")).out, /already refunded .* \$9\.994/);
  const tooMuch = await refund(`s-${id}`, "--amount", "0.0061", "--dry-run");
  assertEquals(tooMuch.code, 1);
  assertMatch(tooMuch.out, /Could not refund \$0\.0061 .*: \$0\.006 of it are left/);
  assertEquals((await refund(`s-${id}`, "--amount", "0.0061")).code, 1);
  assertMatch((await refund(`s-${id}`)).out, /refunded \$0\.006; the balance is \$10\./);
  assertEquals((await refund(`t-${id}`)).code, 1);
  assertEquals(await balanceOf(id), "10");
});

Deno.test("a receipt explains a charge to a person, and is the ledger's own JSON for scripts", async () => {
  const { id, requestId } = await chargedUser();
  await farebox("refund", requestId, "--key", `f-${id}`, "--amount", "0.001", "--reason", "Slow");
  for (const command of ["receipt", "receipts"]) {
    const { code, out } = await farebox(command, requestId);
    assertEquals(code, 0);
    for (
      const words of [
        `Request ${requestId}`,
        `user      ${id}`,
        "model     openai:gpt-4o",
        "usage     reported by the provider",
        "provider  chatcmpl-1",
        "input   1,000 tokens  $0.0025 / 1k  $0.0025",
        "output    500 tokens    $0.01 / 1k   $0.005",
        "$0.0075",
        "balance  $10 → $9.9925",
        "refunded $0.001: Slow",
      ]
    ) assert(out.includes(words), `${words} is not in\n${out}`);
  }
  const raw = JSON.parse((await farebox("--json", "receipt", requestId)).out);
  const said = await call(stack.sql, "receipt", { p_user_id: null, p_request_id: requestId });
  assertEquals(raw, said);
});

Deno.test("a receipt of a checkpoint tells of its correction, and of what was not collected", async () => {
  const { id } = await stack.signUp();
  const { requestId } = await reserve(stack.sql, { userId: id, outputTokensMax: 500 });
  await call(stack.sql, "extend", {
    p_request_id: requestId,
    p_output_tokens_total: 500,
    p_input_tokens: 100,
    p_output_tokens: 100,
  });
  await forgetHeartbeats(stack.sql, requestId);
  // The stack's own sweeper, each 3 s, may come first.
  assertMatch((await farebox("sweep")).out, /✓ [01] settled at their checkpoint, 0 released/);
  assertMatch((await farebox("receipt", requestId)).out, /usage +of the last checkpoint/);
  await settle(stack.sql, requestId, 100, 500);
  const { out } = await farebox("receipt", requestId);
  assertMatch(out, /output +500 tokens .*\$0\.005\n/);
  assertMatch(
    out,
    /balance +\$10 → \$9\.99875\n +corrected by \$0\.004 at .*: balance \$9\.99875 → \$9\.99475/,
  );
});

Deno.test("a receipt of nothing is 1, with a sentence", async () => {
  const { code, err } = await farebox("receipt", crypto.randomUUID());
  assertEquals(code, 1);
  assertMatch(err, /No charge has the request id/);
});

Deno.test("reconcile exits with 0 on a clean ledger, and prints JSON for scripts", async () => {
  const { code, out } = await farebox("--json", "reconcile");
  assertEquals(code, 0);
  assertEquals(JSON.parse(out).violations, []);
  assert((await farebox("reconcile")).out.startsWith("✓"));
});

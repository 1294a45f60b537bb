import { assertEquals } from "@std/assert";
import { withDatabase } from "../support/database.ts";
import { createUser, refusalOf, reserve } from "../support/ledger_calls.ts";

/** What a user with this balance is told, `asked` at once and the first of them served. */
function toldAt(
  balance: string,
  asked: readonly { inputTokensMax: number; outputTokensMax: number }[],
): Promise<string> {
  return withDatabase(async ({ sql, service }) => {
    await sql`update billing.settings set welcome_credit = ${balance}, minimum_balance = 0.01`;
    const userId = await createUser(sql);
    const [last, ...first] = asked.toReversed();
    for (const ask of first) await reserve(service, { userId, ...ask });
    const { message, hint } = await refusalOf(reserve(service, { userId, ...last }));
    return `${message} ${hint}`;
  });
}

const SHORT = { inputTokensMax: 10, outputTokensMax: 10 };
const LONG = { inputTokensMax: 8000, outputTokensMax: 10 };

Deno.test("below the minimum balance nobody is told to send a shorter request", async () => {
  const minimum = "Add credit: the minimum balance is $0.01, however short the request.";
  assertEquals(
    await toldAt("0.009", [SHORT]),
    `Your balance is $0.009 and every request needs at least $0.01. ${minimum}`,
  );
  assertEquals(
    await toldAt("0.009", [LONG]),
    `Your balance is $0.009 and this request needs at least $0.02001. ${minimum}`,
  );
});

Deno.test("above the minimum balance a shorter request is what helps, as credit does", async () => {
  assertEquals(
    await toldAt("0.015", [LONG]),
    "Your balance is $0.015 and this request needs at least $0.02001. " +
      "Add credit, or send a shorter request.",
  );
});

Deno.test("a balance that other requests hold comes back when they end, and that is said", async () => {
  const held = "Your balance of $0.03 is held by requests that are still running; ";
  assertEquals(
    await toldAt("0.03", [LONG, SHORT]),
    `${held}$0.0099 is free and this one needs at least $0.01. Wait until they have ended, or add credit.`,
  );
  assertEquals(
    await toldAt("0.03", [{ inputTokensMax: 4000, outputTokensMax: 10 }, LONG]),
    `${held}$0.0199 is free and this one needs at least $0.02001. ` +
      "Wait until they have ended, add credit, or send a shorter request.",
  );
});

import { assertEquals, assertMatch } from "@std/assert";
import { chat } from "../support/chat.ts";
import { accountOf, assertAllSettled, chargeOf, exact } from "../support/charges.ts";
import { startTestStack, type TestUser } from "../support/stack.ts";
import { runFarebox } from "../support/farebox.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

/** Runs `farebox … prices …` as a person would; nobody sits at a terminal. */
const prices = (...args: string[]) => runFarebox(stack, ["prices", ...args]);

const RANGE = ["reprice", "--model", "openai:gpt-4o", "--from", "2000-01-01", "--to", "2100-01-01"];

/** One chat of so many tokens, and what was collected for it. */
async function chatOf(user: TestUser, outputTokens: number): Promise<bigint> {
  const answer = await chat(stack, user, {
    stream: false,
    script: { output_tokens: outputTokens },
  });
  await answer.body?.cancel();
  const charge = await chargeOf(stack.sql, answer.headers.get("x-request-id")!);
  assertEquals(charge.output_tokens, outputTokens);
  return exact(charge.collected);
}

async function setOutputPrice(perMillion: string): Promise<number> {
  const set = await prices("set", "openai:gpt-4o", "--per", "million", "--output", perMillion);
  assertEquals(set.code, 0, set.err);
  const [row] = await stack.sql`
    select price_version::int as version from public.model_pricing where model_id = 'gpt-4o'`;
  return row?.["version"];
}

Deno.test("after a price that was ten times too high every user gets exactly the difference back, once, however often and wherever it is run", async () => {
  const [one, other] = [await stack.signUp(), await stack.signUp()];
  await setOutputPrice("100");
  const paid = [await chatOf(one, 200), await chatOf(one, 50), await chatOf(other, 10)];
  const right = await setOutputPrice("10");
  // 0.1 less 0.01 a thousand tokens.
  const over = { one: exact("0.0225"), other: exact("0.0009") };

  const dry = await prices(...RANGE, "--dry-run");
  assertEquals(dry.code, 0, dry.err);
  assertMatch(dry.out, new RegExp(`at price version ${right}`));
  assertMatch(dry.out, new RegExp(`${one.id} +2 .* 0\\.0225 +–`));
  assertMatch(dry.out, /2 users have paid \$0\.0234 too much/);
  assertMatch(dry.out, /A dry run: nothing was given back/);
  const unconfirmed = await prices(...RANGE);
  assertEquals(unconfirmed.code, 1);
  assertMatch(unconfirmed.err, /Give back \$0\.0234\?.*--yes/);
  const before = exact("10") - paid[0]! - paid[1]!;
  assertEquals((await accountOf(stack.sql, one)).balance, before);

  const runs = await Promise.all([
    prices(...RANGE, "--yes", "--json"),
    prices(...RANGE, "--yes", "--json", "--price-version", `${right}`),
  ]);
  assertEquals(runs.map(({ code }) => code), [0, 0], runs.map(({ err }) => err).join());
  const given = runs.map(({ out }) => JSON.parse(out).given);
  assertEquals(
    given.reduce((sum, one) => sum + (one === null ? 0n : exact(one.amount)), 0n),
    exact("0.0234"),
  );
  assertEquals((await accountOf(stack.sql, one)).balance, before + over.one);
  assertEquals((await accountOf(stack.sql, other)).balance, exact("10") - paid[2]! + over.other);
  const again = await prices(...RANGE, "--yes");
  assertMatch(again.out, /✓ Nobody has paid too much\./);
  assertEquals(again.code, 0);
  await assertAllSettled(stack.sql);
});

Deno.test("who has paid too little is shown and charged nothing", async () => {
  const user = await stack.signUp();
  await setOutputPrice("1");
  const paid = await chatOf(user, 100);
  await setOutputPrice("10");
  const { code, out } = await prices(...RANGE, "--yes", "--json");
  const { users, given } = JSON.parse(out);
  assertEquals([code, given], [0, null]);
  const mine = users.find((one: { user_id: string }) => one.user_id === user.id);
  assertEquals([mine.over, mine.under], ["0", "0.0009"]);
  assertEquals((await accountOf(stack.sql, user)).balance, exact("10") - paid);
  assertMatch((await prices(...RANGE)).out, /\$0\.0009 too little was charged: it is not taken\./);
});

Deno.test("a time, a model and a version that are none are refused with what to give", async () => {
  const wrong: [string[], RegExp, number][] = [
    [["--from", "noon"], /--from noon is no time: give a day in UTC/, 2],
    [["--from", "2026-06-31"], /is no time/, 2],
    [["--from", "2026-06-30T10:00"], /a time with its zone/, 2],
    [["--to", "1999-01-01"], /is not before --to/, 2],
    [["--model", "gpt-4o"], /A model is named provider:model/, 2],
    [["--price-version", "newest"], /--price-version newest is not possible/, 2],
    [["--price-version", "999999"], /Version 999999 is no price of openai:gpt-4o/, 1],
    [["--model", "openai:gone"], /There is no price for openai:gone/, 1],
  ];
  for (const [args, message, exitCode] of wrong) {
    const { code, err } = await prices(...RANGE, ...args);
    assertMatch(err, message);
    assertEquals(code, exitCode, args.join(" "));
  }
});

Deno.test("a check that finds every price right is noted, and one that does not is not", async () => {
  await stack.sql`
    delete from public.model_pricing where provider_id <> 'openai' or model_id <> 'gpt-4o'`;
  const file = await Deno.makeTempFile({ suffix: ".json" });
  const noted = async () => {
    const [row] = await stack.sql`
      select checked_at as at from billing.alert_checks where name = 'prices'`;
    return (row?.["at"] ?? null) as Date | null;
  };
  try {
    const catalogueOf = (output: number) =>
      Deno.writeTextFile(
        file,
        JSON.stringify([{
          id: "openai",
          models: [{
            id: "gpt-4o",
            match: { equals: "gpt-4o" },
            prices: { input_mtok: 2.5, cache_read_mtok: 1.25, output_mtok: output },
          }],
        }]),
      );
    const [price] = await stack.sql`
      select output_per_1k * 1000 as output from public.model_pricing`;
    const first = await noted();
    await catalogueOf(Number(price?.["output"]) * 2);
    assertEquals((await prices("check", "--catalogue", file)).code, 1);
    assertEquals(await noted(), first);
    await catalogueOf(Number(price?.["output"]));
    const check = await prices("check", "--catalogue", file);
    assertEquals(check.code, 0, check.out);
    const second = await noted();
    assertEquals(second !== null && second.getTime() !== first?.getTime(), true);
    assertEquals((await prices("sync", "--catalogue", file, "--dry-run")).code, 0);
    assertEquals(await noted(), second);
    const sync = await prices("sync", "--catalogue", file, "--yes");
    assertEquals(sync.code, 0, sync.out + sync.err);
    assertEquals((await noted())!.getTime() > second!.getTime(), true);
  } finally {
    await Deno.remove(file);
  }
});

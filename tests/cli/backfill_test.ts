import { assert, assertEquals, assertMatch } from "@std/assert";
import { chat } from "../support/chat.ts";
import {
  accountOf,
  assertAllSettled,
  chargeOf,
  chargesOf,
  costByHand,
  exact,
  setBalance,
} from "../support/charges.ts";
import { startTestStack } from "../support/stack.ts";
import { fareboxCommand, type FareboxTarget, runFarebox } from "../support/farebox.ts";
import { until } from "../support/until.ts";

const stack = await startTestStack({ env: { LEDGER_OUTAGE: "allow" } });
Deno.test.afterAll(() => stack.stop());

/** Runs `farebox backfill …` as a person would, `input` being what comes in; nobody is at a terminal. */
const backfill = (args: readonly string[], input = "", target: FareboxTarget = stack) =>
  runFarebox(target, ["backfill", ...args], input);

/** A line as the functions write it: 1,000 tokens in and 1,000 out of gpt-4o, which are 0.0125 USD. */
function lineOf(userId: string | null, more: Record<string, unknown> = {}): string {
  const usage = {
    request_id: crypto.randomUUID(),
    user_id: userId,
    chat_id: null,
    model: "openai:gpt-4o",
    tokens: { input: 1_000, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 1_000 },
    basis: "reported",
    provider_request_id: null,
    finish: "stop",
    first_token_ms: 1,
    duration_ms: 2,
    at: new Date(Date.now() - 60_000).toISOString(),
    reason: "no_reservation",
    unsettled: true,
    ...more,
  };
  return `Failed to deduct balance: ${JSON.stringify(usage)}`;
}

async function countOf(userId: string): Promise<number> {
  const rows = await stack.sql`select from public.usage_records where user_id = ${userId}`;
  return rows.length;
}

Deno.test("what was served while Postgres was stopped is charged from the functions' own log, exactly, and once", async () => {
  const user = await stack.signUp();
  await (await chat(stack, user, { stream: false })).body?.cancel();
  const [before] = await until("the first charge", async () => {
    const rows = await stack.sql`
      select request_id from public.usage_records where user_id = ${user.id}`;
    return rows.length === 1 && rows;
  });
  const firstCost = await costByHand(
    stack.sql,
    await chargeOf(stack.sql, before!["request_id"]),
  );

  await stack.postgres("stop");
  const requestIds: string[] = [];
  for (const [stream, tokens] of [[true, 300], [false, 50], [true, 7]] as const) {
    const answer = await chat(stack, user, { stream, script: { output_tokens: tokens } });
    assertEquals(answer.status, 200);
    await answer.text();
    requestIds.push(answer.headers.get("x-request-id")!);
    await stack.logged("no_reservation", requestIds.at(-1)!);
  }
  await stack.postgres("start");
  await until("the ledger to be back", async () => {
    const health = await fetch(`${stack.functionsUrl}/pricing-health`);
    await health.body?.cancel();
    return health.status === 200;
  });

  const log = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(log, (await stack.log()).join("\n"));
    const dry = await backfill(["--from", log, "--dry-run"]);
    assertEquals(dry.code, 0, dry.err);
    assertMatch(dry.out, /: the usage of 3 requests\..*3 requests would be charged/s);
    assertEquals(await countOf(user.id), 1);

    const unconfirmed = await backfill(["--from", log]);
    assertEquals(unconfirmed.code, 1);
    assertMatch(unconfirmed.err, /Charge 3 requests.*--yes/);
    assertEquals(await countOf(user.id), 1);

    // Two operators at once.
    const both = await Promise.all([1, 2].map(() => backfill(["--from", log, "--yes"])));
    assertEquals(both.map(({ code }) => code), [0, 0], both.map(({ err }) => err).join());
    const again = await backfill(["--from", log, "--yes"]);
    assertMatch(again.out, /3 requests had been settled: nothing changes/);
  } finally {
    await Deno.remove(log);
  }

  let cost = firstCost;
  for (const [index, requestId] of requestIds.entries()) {
    const rows = await chargesOf(stack.sql, requestId);
    assertEquals(rows.length, 1);
    assertEquals([rows[0]!.basis, rows[0]!.output_tokens], ["reported", [300, 50, 7][index]!]);
    assertEquals(exact(rows[0]!.collected), await costByHand(stack.sql, rows[0]!));
    cost += exact(rows[0]!.collected);
  }
  assertEquals(await accountOf(stack.sql, user), { balance: exact("10") - cost, reserved: 0n });
  await assertAllSettled(stack.sql);
});

Deno.test("a log with lines that cannot be read charges nothing, and names each; --skip-unreadable charges the rest", async () => {
  const user = await stack.signUp();
  const good = lineOf(user.id);
  const log = [
    "Listening",
    good,
    lineOf(user.id).slice(0, 200),
    lineOf(user.id, { tokens: { input: "many" } }),
    "Failed to deduct balance: {oops}",
    // Cut here, but whole above.
    good.slice(0, 200),
    good,
    good.replace('"output":1000', '"output":999'),
  ].join("\n");
  const refused = await backfill(["--from", "-", "--yes"], log);
  assertEquals(refused.code, 1);
  assertMatch(refused.out, /Read 8 lines of what came in: the usage of 1 request\./);
  assertMatch(refused.err, /4 lines cannot be read:/);
  assertMatch(refused.err, /line 3 \(request .*: it is cut off, or garbled, after 174 characters/);
  assertMatch(refused.err, /line 4 .*: its tokens\.input is "many"/);
  assertMatch(refused.err, /line 5: what follows its message is no JSON/);
  assertMatch(refused.err, /line 8: it says other usage than line 2 of the same request/);
  assertMatch(refused.err, /Nothing was charged\..*--skip-unreadable/);
  assertEquals(await countOf(user.id), 0);

  const skipped = await backfill(["--from", "-", "--yes", "--skip-unreadable"], log);
  assertEquals(skipped.code, 0);
  assertMatch(skipped.out, /1 request was charged: \$0\.0125, \$0\.0125 of it collected/);
  assertEquals((await accountOf(stack.sql, user)).balance, exact("9.9875"));
});

Deno.test("what the ledger refuses is listed with its line, the rest is charged, and --json says the same", async () => {
  const user = await stack.signUp();
  await setBalance(stack, user, "0.02");
  const nobody = crypto.randomUUID();
  const log = [
    lineOf(user.id),
    lineOf(user.id),
    lineOf(null),
    lineOf(nobody),
    lineOf(user.id, { model: "openai:never-sold" }),
    lineOf(user.id, { finish: "\0" }),
  ].join("\n");
  const { code, out } = await backfill(["--from", "-", "--yes", "--json"], log);
  assertEquals(code, 1);
  const { read, result } = JSON.parse(out);
  assertEquals([read.entries, read.requests, read.unreadable_count], [6, 6, 0]);
  assertEquals(result.charged, {
    requests: 2,
    cost: "0.025",
    collected: "0.02",
    uncollected: "0.005",
  });
  assertEquals(result.guests, { requests: 1, cost: "0.0125" });
  assertEquals(
    result.refused.map(({ line, code }: { line: number; code: string }) => [line, code]),
    [[4, "USER_NOT_FOUND"], [5, "MODEL_NOT_FOUND"], [6, "VALUE_REFUSED"]],
  );
  assertEquals(await accountOf(stack.sql, user), { balance: 0n, reserved: 0n });
  const text = await backfill(["--from", "-", "--yes"], log);
  assertMatch(text.out, /3 requests had been settled/);
  const poor = await backfill(["--from", "-", "--yes"], lineOf(user.id));
  assertMatch(poor.out, /\$0\.0125, \$0 of it collected; there was no credit for \$0\.0125\./);
  assertMatch(text.out, new RegExp(`line 4, request .*: There is no user ${nobody}`));
  await assertAllSettled(stack.sql);
});

Deno.test("--recorded rebuilds the charges of a ledger that was lost, and without it they are passed over", async () => {
  const user = await stack.signUp();
  const recorded = lineOf(user.id, { reason: undefined, unsettled: undefined, cost: "0.0125" })
    .replace("Failed to deduct balance", "Usage recorded");
  const dearer = recorded.replace(/"request_id":"[^"]+"/, `"request_id":"${crypto.randomUUID()}"`)
    .replace('"cost":"0.0125"', '"cost":"0.5"');
  const log = `${recorded}\n${dearer}\n${recorded}`;
  assertMatch((await backfill(["--from", "-", "--yes"], log)).out, /the usage of 0 requests/);
  const { code, out, err } = await backfill(["--from", "-", "--yes", "--recorded"], log);
  assertEquals(err, "");
  assertEquals(code, 1, "what comes to another cost is not charged unasked");
  assertMatch(out, /1 line said it again/);
  assertMatch(out, /1 request was charged: \$0\.0125/);
  assertMatch(out, /line 2, request \S+: It was recorded at \$0\.5, and would cost \$0\.0125\./);
  assertEquals((await accountOf(stack.sql, user)).balance, exact("9.9875"));
  const other = await backfill(["--from", "-", "--yes", "--recorded", "--at-other-cost"], log);
  assertEquals(other.code, 0, other.out);
  assertMatch(other.out, /1 request of these cost another amount than was recorded then/);
  assertEquals((await accountOf(stack.sql, user)).balance, exact("9.975"));
});

Deno.test("thousands of requests are charged while it is killed and begun again, each once", async () => {
  const user = await stack.signUp();
  const lines = Array.from({ length: 3_000 }, () =>
    lineOf(user.id, {
      tokens: { input: 4, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 0 },
    }));
  const log = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(log, lines.join("\n"));
    const child = fareboxCommand(stack, ["backfill", "--from", log, "--yes"]).spawn();
    await until("some to be charged", async () => await countOf(user.id) > 100, 60_000);
    child.kill("SIGKILL");
    await child.output();
    const charged = await countOf(user.id);
    assert(charged < 3_000, "it was killed too late");
    const rest = await backfill(["--from", log, "--yes", "--json"]);
    assertEquals(rest.code, 0, rest.err);
    const { result } = JSON.parse(rest.out);
    assertEquals(result.charged.requests + result.already_settled, 3_000);
  } finally {
    await Deno.remove(log);
  }
  assertEquals(await countOf(user.id), 3_000);
  // 4 × 0.0025 per thousand, 3,000 times.
  assertEquals((await accountOf(stack.sql, user)).balance, exact("9.97"));
  await assertAllSettled(stack.sql);
});

Deno.test("a log that is not there, a time that is none, and a ledger that is away are told in a sentence", async () => {
  for (
    const [args, message] of [
      [
        ["--from", "/nowhere/x.log"],
        /Cannot read the log \/nowhere\/x\.log: there is no such file/,
      ],
      [["--from", "."], /it is a folder/],
      [["--from", "-", "--at", "noon"], /--at noon is no time/],
    ] as const
  ) {
    const { code, err } = await backfill(args);
    assertEquals(code, 2, err);
    assertMatch(err, message);
    assert(!/\n\s+at /.test(err), err);
  }
  const user = await stack.signUp();
  const away = await backfill(["--from", "-", "--yes"], lineOf(user.id), {
    SUPABASE_URL: "http://127.0.0.1:9",
    SUPABASE_SECRET_KEY: stack.details.secretKey,
  });
  assertEquals(away.code, 1);
  assertMatch(
    away.err,
    /It was stopped\. What is charged stays so: the same command does the rest\./,
  );
  assert(!/\n\s+at /.test(away.err), away.err);
});

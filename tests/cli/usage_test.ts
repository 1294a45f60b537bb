/** What was used, by whom, and what a month costs, on a stack with a few charges. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { call, forgetHeartbeats, reserve, settle } from "../support/ledger_calls.ts";
import { runFarebox } from "../support/farebox.ts";
import { startTestStack } from "../support/stack.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

const farebox = (...args: string[]) => runFarebox(stack, args);

const { sql } = stack;
const [ada, bo] = [await stack.signUp(), await stack.signUp()];

async function charge(userId: string, model: string, input: number, output: number) {
  const provider = model === "gpt-4o" ? "openai" : "anthropic";
  const { requestId } = await reserve(sql, { userId, provider, model, outputTokensMax: output });
  await settle(sql, requestId, input, output);
  return requestId;
}

// Ada: 0.0125 + 0.00105 of a checkpoint that its correction raises by 0.004; Bo: 0.0105; a guest: 0.0125.
const refunded = await charge(ada.id, "gpt-4o", 1000, 1000);
await call(sql, "refund", {
  p_request_id: refunded,
  p_amount: "0.0025",
  p_key: "case 1",
  p_reason: null,
});
const { requestId: corrected } = await reserve(sql, { userId: ada.id, outputTokensMax: 500 });
await call(sql, "extend", {
  p_request_id: corrected,
  p_output_tokens_total: 500,
  p_input_tokens: 20,
  p_output_tokens: 100,
});
await forgetHeartbeats(sql, corrected);
await call(sql, "expire", { p_limit: 10 });
await settle(sql, corrected, 20, 500);
await charge(bo.id, "claude-sonnet-4-5", 1000, 500);
const guest = await reserve(sql, {
  guest: { tokenId: "g", addressHash: "h" },
  outputTokensMax: 1000,
});
await settle(sql, guest.requestId, 1000, 1000);

const today = new Date().toISOString().slice(0, 10);

type Group = { key: string; requests: number; cost: string; [figure: string]: unknown };
type Report = { groups: Group[]; total: Group };

async function report(by: string, ...args: string[]): Promise<Report> {
  const { code, out, err } = await farebox("--json", "usage", "report", "--by", by, ...args);
  assertEquals(code, 0, err);
  return JSON.parse(out);
}

Deno.test("a report by user has everybody and all guests, the dearest first, exact, and sums up", async () => {
  const { groups, total } = await report("user");
  const figures = groups.map((
    { key, requests, cost, collected, uncollected, refunded },
  ) => [key, requests, cost, collected, uncollected, refunded]);
  assertEquals(figures, [
    [ada.id, 2, "0.01755", "0.01755", "0", "0.0025"],
    ["guests", 1, "0.0125", "0", "0.0125", "0"],
    [bo.id, 1, "0.0105", "0.0105", "0", "0"],
  ]);
  assertEquals([total.requests, total.cost, total["collected"], total["refunded"]], [
    4,
    "0.04055",
    "0.02805",
    "0.0025",
  ]);
});

Deno.test("a report by model counts each under its own, and by day under today", async () => {
  const { groups } = await report("model");
  assertEquals(groups.map(({ key, requests, cost }) => [key, requests, cost]), [
    ["openai:gpt-4o", 3, "0.03005"],
    ["anthropic:claude-sonnet-4-5", 1, "0.0105"],
  ]);
  const byDay = await report("day", "--from", today, "--to", today);
  assertEquals(byDay.groups.map(({ key, cost }) => [key, cost]), [[today, "0.04055"]]);
  assertEquals((await report("day", "--to", "2026-01-01")).groups, []);
  assertEquals((await report("day", "--from", "2999-01-01")).total.cost, "0");
});

Deno.test("the table ends with the total, and CSV is rows alone, as exact", async () => {
  const { out } = await farebox("usage", "report", "--by", "model");
  const lines = out.trimEnd().split("\n");
  assertEquals(lines.length, 4);
  assertMatch(
    lines[0]!,
    /^ +model +requests +input +output +cost +collected +uncollected +refunded$/,
  );
  assertMatch(
    lines[3]!,
    /^ +total +4 +3,020 +3,000 +\$0\.04055 +\$0\.02805 +\$0\.0125 +\$0\.0025$/,
  );
  const csv = await farebox("usage", "report", "--by", "model", "--csv");
  assertEquals(
    csv.out,
    "model,requests,input_tokens,cache_read_tokens,cache_write_tokens,output_tokens,cost_usd,collected_usd,uncollected_usd,refunded_usd\n" +
      "openai:gpt-4o,3,2020,0,0,2500,0.03005,0.01755,0.0125,0.0025\n" +
      "anthropic:claude-sonnet-4-5,1,1000,0,0,500,0.0105,0.0105,0,0\n",
  );
  assertMatch(csv.err, /4 requests: cost \$0\.04055/);
  const none = await farebox("usage", "report", "--by", "day", "--to", "2026-01-01");
  assertEquals(none.out, "Nothing was used in that time.\n");
  const empty = await farebox("usage", "report", "--by", "model", "--csv", "--to", "2026-01-01");
  assertEquals(empty.out, `${csv.out.split("\n")[0]}\n`);
});

Deno.test("an estimate draws each quota, names its prices' source and day, and is JSON for scripts", async () => {
  const ask = ["estimate", "--users", "20000", "--requests-per-day", "40000"];
  const { code, out } = await farebox(...ask);
  assertEquals(code, 0);
  assertMatch(
    out,
    /1,200,000 requests a month .*: 1,\d{3},\d{3} rows, 46\d MB more in the database/,
  );
  assertMatch(
    out,
    /function calls +2,400,000 +█{12} +480 % +500,000 +█{12} +120 % +2,000,000 +\$2\.00/,
  );
  assertMatch(out, /users a month +20,000 +█{5}░{7} +40 % +50,000/);
  assertMatch(out, /Free +not enough: .*function calls/);
  assertMatch(out, /measured by us: this target has too few charges/);
  assertMatch(out, /Prices as of \d{4}-\d\d-\d\d: https:\/\/supabase\.com\//);
  const { month, pro, free, measured_here } = JSON.parse((await farebox("--json", ...ask)).out);
  assertEquals([month.requests, month.invocations, measured_here], [1_200_000, 2_400_000, false]);
  assertEquals([pro.usd_month, free.is_enough], ["27.00", false]);
  const small = await farebox("estimate", "--users", "10", "--requests-per-day", "20");
  assertMatch(small.out, /Free +\$0: enough; its 500 MB of database are full in month \d+/);
  assert(!small.out.includes("not enough"));
  assertMatch(small.out, /Pro +\$25\.00, all within its quotas/);
  assertMatch(out, /Pro +\$27\.00: \$25\.00 and \$2\.00 above its quotas/);
});

import { assert, assertEquals, assertMatch } from "@std/assert";
import { readSince } from "../../cli/alerts/incidents.ts";
import { happen, passMinutes, SCHEDULER_STUBS } from "../support/alerts.ts";
import { runFarebox } from "../support/farebox.ts";
import { startTestStack } from "../support/stack.ts";
import { startWebhookReceiver } from "../support/webhook_receiver.ts";

const receiver = startWebhookReceiver();
const stack = await startTestStack({ env: { ALERT_WEBHOOK_URL: receiver.url } });
Deno.test.afterAll(async () => {
  await stack.stop();
  await receiver[Symbol.asyncDispose]();
});

const farebox = (...args: string[]) => runFarebox(stack, args);

Deno.test("alerts shows every rule, and exits with 1 where one is above its threshold", async () => {
  const quiet = await farebox("alerts");
  assertEquals(quiet.code, 0, quiet.err);
  for (const rule of ["failed_deductions", "drift", "price_age"]) {
    assertMatch(quiet.out, new RegExp(`^  ${rule} +(quiet|unknown) `, "m"));
  }
  await happen(stack.sql, "missing_price", 2, { model: "openai:gpt-9" });
  const firing = await farebox("alerts");
  assertEquals(firing.code, 1);
  assertMatch(firing.out, /^ {2}missing_price +due +2 +0 +1 h +1 h$/m);
  assertMatch(firing.out, /✗ missing_price: see/);
  const { ok, alerts } = JSON.parse((await farebox("--json", "alerts")).out);
  assertEquals([ok, alerts.length], [false, 8]);
});

Deno.test("--deliver tells once what a dry run said it would, and says what failed", async () => {
  await stack.sql`delete from billing.incidents`;
  await happen(stack.sql, "missing_price", 1);
  const dry = await farebox("alerts", "--deliver", "--dry-run");
  assertMatch(dry.out, /Would deliver missing_price\.$/m);
  assertEquals([dry.code, receiver.arrived.length], [0, 0]);
  receiver.answerNext(404);
  const failed = await farebox("alerts", "--deliver");
  assertEquals(failed.code, 1);
  assertMatch(failed.out, /✗ missing_price: the webhook answered 404\. The next evaluation tries/);
  await passMinutes(stack.sql, 1);
  const told = await farebox("alerts", "--deliver");
  assertEquals(told.code, 0, told.err);
  assertMatch(told.out, /✓ missing_price was delivered/);
  assertMatch((await farebox("alerts", "--deliver")).out, /✓ Nothing was due/);
  assertEquals(receiver.arrived.length, 2);
});

Deno.test("a test message arrives, and one that does not is exit code 1", async () => {
  receiver.arrived.splice(0);
  const test = await farebox("alerts", "test");
  assertMatch(test.out, /^– BALANCE_WEBHOOK_URL is not set: .* sent nowhere\.$/m);
  assertEquals([test.code, receiver.arrived.length], [0, 1]);
  assertMatch(test.out, /✓ A test message arrived at ALERT_WEBHOOK_URL/);
  receiver.answerNext(403);
  const failed = await farebox("alerts", "test");
  assertEquals(failed.code, 1);
  assertMatch(failed.out, /✗ ALERT_WEBHOOK_URL: the webhook answered 403/);
});

Deno.test("alerts set changes what is named and nothing in a dry run, and says what it takes", async () => {
  const set = (...args: string[]) => farebox("alerts", "set", ...args);
  const dry = await set("price_age", "--threshold", "30", "--dry-run");
  assertMatch(dry.out, /Would change of .*to: threshold 30/s);
  const [before] = await stack.sql`select * from billing.alert_rules where rule = 'price_age'`;
  assertEquals(before!["threshold"], 45);
  assertEquals((await set("price_age", "--threshold", "30", "--enabled", "no")).code, 0);
  const [after] = await stack.sql`select * from billing.alert_rules where rule = 'price_age'`;
  assertEquals(after, { ...before, threshold: 30, enabled: false });
  for (
    const [args, code, message] of [
      [["nonsense", "--threshold", "1"], 2, /no rule "nonsense"\. There are: database_errors, /],
      [["nonsense", "--threshold", "1", "--dry-run"], 2, /no rule "nonsense"/],
      [["drift"], 2, /Nothing to change/],
      [["drift", "--threshold", "-1"], 2, /--threshold -1 is not possible/],
      [["drift", "--cooldown", "1e3"], 2, /--cooldown 1e3 is not possible/],
      [["drift", "--enabled", "maybe"], 2, /Allowed choices are yes, no/],
    ] as const
  ) {
    const run = await set(...args);
    assertEquals(run.code, code, args.join(" "));
    assertMatch(run.err, message);
  }
});

Deno.test("incidents are listed as a table or JSON, of a kind and since a time", async () => {
  await stack.sql`delete from billing.incidents`;
  assertMatch((await farebox("incidents")).out, /^No incidents\.$/m);
  await happen(stack.sql, "uncollected", 1, { cost: "0.5" });
  await passMinutes(stack.sql, 90);
  await happen(stack.sql, "missing_price", 1, { model: "openai:gpt-9" });
  assertMatch((await farebox("incidents")).out, /missing_price +model openai:gpt-9\n.*uncollected/);
  const recent = await farebox("--json", "incidents", "--since", "1h");
  assertEquals(JSON.parse(recent.out).map(({ kind }: { kind: string }) => kind), ["missing_price"]);
  assert(!(await farebox("incidents", "--kind", "uncollected")).out.includes("missing_price"));
  const wrong = await farebox("incidents", "--since", "yesterday");
  assertEquals(wrong.code, 2);
  assertMatch(wrong.err, /--since yesterday is no time: give 30m, 24h or 7d/);
});

Deno.test("a project without the function is told which to deploy, and a wrong key is said to be wrong", async () => {
  const { secretKey, url } = stack.details;
  // Its Data API is there; what is asked of a function is not.
  const nothing = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json({ code: "NOT_FOUND" }, { status: 404 }),
  );
  const other = {
    SUPABASE_URL: `http://127.0.0.1:${nothing.addr.port}`,
    SUPABASE_SECRET_KEY: secretKey,
  };
  const lacking = await runFarebox(other, ["alerts", "--deliver"]);
  await nothing.shutdown();
  assertEquals(lacking.code, 1);
  assertMatch(lacking.err, /supabase functions deploy pricing-health/);
  const wrong = { SUPABASE_URL: url, SUPABASE_SECRET_KEY: "sb_secret_of_another_project" };
  const refused = await runFarebox(wrong, ["alerts", "--deliver"]);
  assertEquals(refused.code, 1);
  assertMatch(refused.err, /That key was refused/);
});

Deno.test("schedule makes the one job that the database then runs, a dry run none, and says what is missing", async () => {
  const jobsOf = async () =>
    (await stack.sql`select command from cron.job where jobname = 'farebox-alerts'`)
      .map((row) => String(row["command"]));
  const lacking = await farebox("alerts", "schedule");
  assertEquals(lacking.code, 1);
  assertMatch(lacking.err, /Schema cron is not there\. Enable pg_cron, pg_net and Vault/);
  await stack.sql.unsafe(SCHEDULER_STUBS);
  try {
    assertMatch((await farebox("alerts", "schedule")).err, /Vault has no secret named 'farebox_/);
    await stack.sql`insert into vault.decrypted_secrets values ('mine', 'sb_secret_1')`;
    const named = ["alerts", "schedule", "--secret-name", "mine"];
    assertMatch((await farebox(...named, "--dry-run")).out, /^Would be done: The alerts of http/);
    assertEquals(await jobsOf(), []);
    assertMatch(
      (await farebox(...named)).out,
      /^✓ The alerts of http.* are evaluated every minute/,
    );
    const [job, ...more] = await jobsOf();
    assertEquals(more, []);
    assert(job!.includes(`${stack.url}/functions/v1/pricing-health/alerts`));
    assertMatch((await farebox("alerts", "schedule", "--off")).out, /no longer scheduled/);
    assertEquals(await jobsOf(), []);
  } finally {
    await stack.sql`drop schema cron, net, vault cascade`;
  }
});

Deno.test("on the local stack there is nothing to schedule: its own timer does it", async () => {
  const { code, out } = await runFarebox({}, ["--data", stack.folder, "alerts", "schedule"]);
  assertEquals(code, 0);
  assertMatch(out, /local stack's own timer evaluates and delivers every minute/);
});

Deno.test("a time is a span before now or a date", () => {
  const now = new Date("2026-11-22T12:00:00Z");
  assertEquals(readSince("90m", now), "2026-11-22T10:30:00.000Z");
  assertEquals(readSince("7d", now), "2026-11-15T12:00:00.000Z");
  assertEquals(readSince("2026-11-22T06:00:00Z", now), "2026-11-22T06:00:00.000Z");
  assertEquals(readSince("2026-11-01", now), "2026-11-01T00:00:00.000Z");
});

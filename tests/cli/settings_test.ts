/** `farebox settings`: what is shown, what is changed, what is asked about, what is refused. */
import { assertEquals, assertMatch } from "@std/assert";
import { SETTINGS } from "../../cli/settings/catalogue.ts";
import { runFarebox } from "../support/farebox.ts";
import { startTestStack } from "../support/stack.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

const farebox = (...args: string[]) => runFarebox(stack, args);

async function settings(): Promise<Record<string, unknown>> {
  return JSON.parse((await farebox("--json", "settings")).out);
}

/** Runs what must change no setting and note nothing. */
async function changingNothing<T>(run: () => Promise<T>): Promise<T> {
  const state = async () => {
    const [row] = await stack.sql`
      select public.settings_read() as settings,
        (select count(*)::int from billing.incidents where kind = 'settings_changed') as changes`;
    return { ...row };
  };
  const before = await state();
  const result = await run();
  assertEquals(await state(), before);
  return result;
}

Deno.test("settings lists every setting with its value, default and meaning", async () => {
  const { code, out } = await farebox("settings");
  assertEquals(code, 0);
  for (const { name, meaning } of SETTINGS) {
    const line = out.split("\n").find((line) => line.trim().startsWith(`${name} `)) ?? "";
    assertEquals(line.includes(meaning), true, name);
  }
  assertMatch(out, /minimum_balance +0\.01 +0\.01 +USD/);
  assertEquals(Object.keys(await settings()).sort(), SETTINGS.map(({ name }) => name).sort());
});

Deno.test("set shows from what to what; a dry run changes nothing; get tells the value alone", async () => {
  const pairs = [
    ...["daily_spend_per_user_max", "5.50", "requests_per_minute_max", "60"],
    ...["allowed_models", "openai:gpt-4o,anthropic:*", "save_chat_history", "on"],
  ];
  const dry = await changingNothing(() => farebox("settings", "set", ...pairs, "--dry-run"));
  assertEquals([dry.code, dry.err], [0, ""]);
  assertMatch(dry.out, /daily_spend_per_user_max +none +5\.5\n/);
  assertMatch(dry.out, /A dry run: nothing was changed\./);

  const done = await farebox("settings", "set", ...pairs);
  assertEquals([done.code, done.err], [0, ""]);
  assertMatch(done.out, /requests_per_minute_max +none +60\n/);
  assertMatch(done.out, /save_chat_history within about 5 s, the rest from the next request on\./);
  const got = async (name: string) => (await farebox("settings", "get", name)).out;
  assertEquals(await got("daily_spend_per_user_max"), "5.5\n");
  assertEquals(await got("allowed_models"), "openai:gpt-4o,anthropic:*\n");
  assertEquals(await got("save_chat_history"), "on\n");
  assertEquals(await got("guest_models"), "none\n");
  assertMatch((await farebox("settings", "set", ...pairs)).out, /It is so already/);
  const json = await farebox("--json", "settings", "set", "daily_spend_per_user_max", "6");
  assertEquals(JSON.parse(json.out), {
    dry_run: false,
    changed: { daily_spend_per_user_max: { from: "5.5", to: "6" } },
  });
});

Deno.test("what makes billing weaker needs a yes: tracking or enforcement off, a limit taken away", async () => {
  await farebox("settings", "set", "concurrent_requests_max", "3", "guest_models", "openai:*");
  const weaker = [
    ["usage_tracking", "off"],
    ["balance_enforcement", "observe"],
    ["balance_enforcement", "off"],
    ["concurrent_requests_max", "none"],
    ["guest_models", "none"],
    // One of several is enough.
    ["welcome_credit", "3", "concurrent_requests_max", "none"],
  ];
  for (const pairs of weaker) {
    const { code, err } = await changingNothing(() => farebox("settings", "set", ...pairs));
    assertEquals(code, 1, pairs.join(" "));
    assertMatch(err, /^! .*Nobody is here to ask: say so with --yes\.\nNothing was changed\.\n$/s);
  }
  for (const pairs of weaker) {
    assertEquals((await farebox("settings", "set", ...pairs, "--yes")).code, 0);
  }
  // Back to what is stronger, nobody is asked.
  const back = ["usage_tracking", "on", "balance_enforcement", "enforce", "welcome_credit", "10"];
  assertEquals((await farebox("settings", "set", ...back)).code, 0);
  const notes = await stack.sql`
    select details from billing.incidents
    where kind = 'settings_changed' and details ->> 'name' = 'usage_tracking' order by id`;
  assertEquals(notes.map((row) => [row["details"].from, row["details"].to]), [
    ["on", "off"],
    ["off", "on"],
  ]);
});

Deno.test("what looks like a slip needs a yes: a welcome credit above 100, a daily limit of 0", async () => {
  const slips: [string[], RegExp][] = [
    [["welcome_credit", "100.01"], /^! welcome_credit 100\.01: each new user is given 100\.01 USD/],
    [
      ["daily_spend_per_user_max", "0"],
      /^! .*every request of a user is refused; none is no limit/,
    ],
  ];
  for (const [pairs, told] of slips) {
    const { code, err } = await changingNothing(() => farebox("settings", "set", ...pairs));
    assertEquals(code, 1, pairs.join(" "));
    assertMatch(err, told);
    assertEquals((await farebox("settings", "set", ...pairs, "--yes")).code, 0);
  }
  const modest = ["welcome_credit", "100", "daily_spend_per_user_max", "0.01"];
  assertEquals((await farebox("settings", "set", ...modest)).code, 0);
  await farebox("settings", "set", "welcome_credit", "10");
});

Deno.test("a value that is none, a name that is none, or half a pair is refused with a sentence, and nothing is changed", async () => {
  const bad: [string[], RegExp][] = [
    [["daily_spend_per_user_max", "5,00"], /cannot be "5,00": it takes a plain number of USD/],
    [["daily_spend_per_user_max", "1e9"], /cannot be "1e9".* or none \(no limit\)\./],
    [["daily_spend_per_user_max", "1000001"], /up to 1000000/],
    [["daily_spend_per_user_max", "0.00000000001"], /at most 10 decimals/],
    [["minimum_balance", "none"], /minimum_balance cannot be "none"/],
    [["requests_per_minute_max", "0"], /whole number from 1 to/],
    [["requests_per_minute_max", "1.5"], /whole number/],
    [["balance_enforcement", "enforced"], /it takes enforce or observe or off\./],
    [["save_chat_history", "maybe"], /it takes on or off\./],
    [["allowed_models", "gpt-4o"], /provider:model or provider:\* each/],
    [["allowed_models", ""], /cannot be ""/],
    [["allowed_models", "openai:gpt-4o,openai:gpt-9"], /openai:gpt-9: no such model has a price/],
    [["cors_allowed_origins", "app.example"], /https:\/\/app\.example, or \*/],
    [["daily_spend", "5"], /no setting "daily_spend".*Did you mean daily_spend_per_user_max/],
    [["welcome_credit"], /welcome_credit has no value: it takes/],
    [["welcome_credit", "1", "welcome_credit", "2"], /welcome_credit is named twice/],
    [["reservation_ttl_seconds", "44"], /from 45 to/],
    [["reservation_retention_hours", "87601"], /from 1 to 87600\./],
    [["incident_retention_days", "36501"], /from 1 to 36500\./],
    [["chat_history_days", "36501"], /from 1 to 36500, or none/],
    [["guest_window_hours", "8761"], /from 1 to 8760\./],
    // A good pair before a bad one is not written either.
    [["welcome_credit", "1", "markup_basis_points", "100001"], /from 0 to 100000/],
  ];
  await changingNothing(async () => {
    for (const [pairs, told] of bad) {
      const { code, out, err } = await farebox("settings", "set", ...pairs);
      assertMatch(err, told, pairs.join(" "));
      assertEquals([code, out], [2, ""], err);
      assertEquals(/\n\s+at /.test(err), false, "no stack trace");
    }
  });
  assertEquals((await farebox("settings", "get", "nope")).code, 2);
});

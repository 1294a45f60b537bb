import { assert, assertEquals, assertMatch } from "@std/assert";
import { alertOf, claimedRules, happen, passMinutes } from "../support/alerts.ts";
import type { Sql } from "../support/connect.ts";
import { type TestDatabase, withDatabase } from "../support/database.ts";
import { call, createUser, refusalOf, reserve } from "../support/ledger_calls.ts";
import { until } from "../support/until.ts";

/** Lets each rule's value be exactly `value`. */
const CAUSES: Record<string, (sql: Sql, value: number) => Promise<void>> = {
  failed_deductions: async (sql, value) => {
    // All three kinds count, and together.
    await happen(sql, "settle_refused", Math.min(value, 1));
    await happen(sql, "deduction_failed", Math.min(Math.max(value - 1, 0), 1));
    await happen(sql, "uncollected", Math.max(value - 2, 0));
  },
  missing_price: (sql, value) => happen(sql, "missing_price", value, { model: "openai:gpt-9" }),
  database_errors: async (sql, value) => {
    // One incident stands for all errors of an outage.
    await happen(sql, "database_error", 1, { count: value - 1 });
    await happen(sql, "database_error", 1);
  },
  stuck_reservations: async (sql, value) => {
    const userId = await createUser(sql);
    for (let i = 0; i < value; i++) {
      const { requestId } = await reserve(sql, { userId });
      await sql`update billing.reservations set expires_at = now() - interval '6 minutes'
        where request_id = ${requestId}`;
    }
  },
  drift: async (sql, value) => {
    for (let i = 0; i < value; i++) {
      const userId = await createUser(sql);
      await sql`update user_balances set balance = balance + 1 where user_id = ${userId}`;
    }
    await call(sql, "check_drift");
  },
  price_age: async (sql, value) => {
    // An hour more, so that it is so many whole days.
    await sql`update model_pricing set updated_at = now() - make_interval(days => ${value}, hours => 1)`;
  },
  provider_cost_difference: (sql, value) => happen(sql, "provider_cost_difference", value),
  provider_refused_credentials: (sql, value) => happen(sql, "provider_refused_credentials", value),
};

/** The guide's numbers and DESIGN's: at the threshold nothing fires. */
const THRESHOLDS: Record<string, number> = {
  failed_deductions: 10,
  missing_price: 0,
  database_errors: 5,
  stuck_reservations: 0,
  drift: 0,
  price_age: 45,
  provider_cost_difference: 5,
  provider_refused_credentials: 0,
};

for (const [rule, threshold] of Object.entries(THRESHOLDS)) {
  Deno.test(`${rule}: ${threshold} is silent, ${threshold + 1} fires`, async () => {
    await withDatabase(async ({ sql, service }) => {
      if (threshold > 0 || rule === "drift") await CAUSES[rule]!(sql, threshold);
      const below = await alertOf(service, rule);
      assertEquals([below.value, below.threshold, below.state], [threshold, threshold, "quiet"]);
      assertEquals(await claimedRules(service), []);
    });
    await withDatabase(async ({ sql, service }) => {
      await CAUSES[rule]!(sql, threshold + 1);
      assertEquals((await alertOf(service, rule)).value, threshold + 1);
      assertEquals(await claimedRules(service), [rule]);
    });
  });
}

Deno.test("there is no rule without a test of its threshold", () =>
  withDatabase(async ({ sql }) => {
    const rows = await sql`select rule, threshold from billing.alert_rules`;
    assertEquals(
      Object.fromEntries(rows.map((row) => [row["rule"], row["threshold"]])),
      THRESHOLDS,
    );
  }));

Deno.test("an alert is told once, not again within its cool-down, and again after it", () =>
  withDatabase(async ({ sql, service }) => {
    await CAUSES["stuck_reservations"]!(sql, 1);
    assertEquals(await claimedRules(service), ["stuck_reservations"]);
    const { message_id } = await alertOf(service, "stuck_reservations");
    await call(service, "alerts_delivered", { p_rules: ["stuck_reservations"] });
    assertEquals((await alertOf(service, "stuck_reservations")).state, "cooling");
    for (const minutes of [0, 1, 58]) {
      await passMinutes(sql, minutes);
      assertEquals(await claimedRules(service), [], `after ${minutes} more minutes`);
    }
    await passMinutes(sql, 1);
    assertEquals(await claimedRules(service), ["stuck_reservations"]);
    const next = await alertOf(service, "stuck_reservations");
    assert(next.message_id !== message_id, "another message has another id");
  }));

Deno.test("an alert whose delivery failed is claimed again under the same message id, and not while it is being told", () =>
  withDatabase(async ({ sql, service }) => {
    await happen(sql, "missing_price", 1);
    assertEquals(await claimedRules(service), ["missing_price"]);
    const first = await alertOf(service, "missing_price");
    assertEquals(first.state, "claimed");
    assertEquals(await claimedRules(service), []);
    await passMinutes(sql, 1);
    assertEquals(await claimedRules(service), ["missing_price"]);
    assertEquals((await alertOf(service, "missing_price")).message_id, first.message_id);
  }));

Deno.test("of evaluations at the same moment one tells, however they interleave", () =>
  withDatabase(async ({ sql, service }) => {
    assertEquals(await claimedRules(service), []);
    await happen(sql, "missing_price", 1);
    await happen(sql, "provider_refused_credentials", 1);
    const others: Promise<string[]>[] = [];
    const first = await service.begin(async (transaction) => {
      const claimed = await claimedRules(transaction);
      // These have begun before the first is committed.
      for (let i = 0; i < 5; i++) others.push(claimedRules(service));
      await until("the others to wait", async () => {
        const [row] = await sql`select count(*)::int as waiting from pg_stat_activity
          where wait_event_type = 'Lock' and datname = current_database()`;
        return row!["waiting"] === 5;
      });
      return claimed;
    });
    assertEquals(first, ["missing_price", "provider_refused_credentials"]);
    assertEquals((await Promise.all(others)).flat(), []);
  }, { connections: 10 }));

Deno.test("a window slides: what is older than it is not counted any more", () =>
  withDatabase(async ({ sql, service }) => {
    await happen(sql, "uncollected", 6);
    await passMinutes(sql, 59);
    await happen(sql, "uncollected", 5);
    assertEquals((await alertOf(service, "failed_deductions")).value, 11);
    await passMinutes(sql, 1);
    assertEquals((await alertOf(service, "failed_deductions")).value, 5);
    await call(service, "set_alert_rule", { p_rule: "failed_deductions", p_window_minutes: 120 });
    assertEquals((await alertOf(service, "failed_deductions")).value, 11);
  }));

Deno.test("a rule that is disabled is silent, and one that is changed fires at its new threshold", () =>
  withDatabase(async ({ sql, service }) => {
    await happen(sql, "missing_price", 3);
    await call(service, "set_alert_rule", { p_rule: "missing_price", p_enabled: false });
    assertEquals(await claimedRules(service), []);
    assertEquals((await alertOf(service, "missing_price")).state, "disabled");
    const changed = await call(service, "set_alert_rule", {
      p_rule: "missing_price",
      p_enabled: true,
      p_threshold: 3,
    });
    assertEquals([changed["state"], changed["threshold"]], ["quiet", 3]);
    await happen(sql, "missing_price", 1);
    assertEquals(await claimedRules(service), ["missing_price"]);
    const [told] = await sql`select details from billing.incidents
      where kind = 'alert_rule_changed' order by id desc limit 1`;
    assertEquals(told!["details"], {
      rule: "missing_price",
      changed: { enabled: { from: false, to: true }, threshold: { from: 0, to: 3 } },
    });
  }));

Deno.test("an unknown rule, a window where there is none, and impossible numbers are refused with what to do", () =>
  withDatabase(async ({ service }) => {
    const wrong = [
      [{ p_rule: "nonsense" }, /no alert rule 'nonsense'/],
      [{ p_rule: "drift", p_window_minutes: 5 }, /looks at how things stand/],
      [{ p_rule: "missing_price", p_threshold: -1 }, /0 or more/],
      [{ p_rule: "missing_price", p_cooldown_minutes: 0 }, /0 or more/],
      [{ p_rule: "missing_price", p_window_minutes: 43201 }, /0 or more/],
    ] as const;
    for (const [args, message] of wrong) {
      const refusal = await refusalOf(call(service, "set_alert_rule", args));
      assertEquals(refusal.code, "INVALID_ARGUMENT");
      assertMatch(refusal.message, message);
      assert(refusal.hint.length > 10);
    }
  }));

Deno.test("the ledger is proven once an hour, by one of those who evaluate at the same moment", () =>
  withDatabase(async ({ sql, service }) => {
    const isProven = () => call<unknown>(service, "check_drift");
    assertEquals((await alertOf(service, "drift")).state, "unknown");
    const asked = await Promise.all(Array.from({ length: 5 }, isProven));
    assertEquals(asked.filter((answer) => answer === true).length, 1);
    assertEquals((await alertOf(service, "drift")).value, 0);
    await passMinutes(sql, 59);
    assertEquals(await isProven(), false);
    await passMinutes(sql, 1);
    assertEquals(await isProven(), true);
  }));

Deno.test("a proof that fails is an incident, leaves the rule unknown, and is not begun again every minute", () =>
  withDatabase(async ({ sql, service }) => {
    await sql`create or replace function billing.reconcile() returns jsonb language plpgsql
      set search_path = '' as $$ begin perform pg_sleep(10); return null; end $$`;
    await service.begin(async (transaction) => {
      await transaction`set local statement_timeout = '100ms'`;
      assertEquals(await call<unknown>(transaction, "check_drift"), true);
    });
    assertEquals((await alertOf(service, "drift")).state, "unknown");
    const [incident] = await sql`select details from billing.incidents
      where kind = 'drift_check_failed'`;
    assertEquals(incident!["details"].sqlstate, "57014");
    assertEquals(await call<unknown>(service, "check_drift"), false);
  }));

Deno.test("prices that were compared with a catalogue are not old", () =>
  withDatabase(async ({ sql, service }) => {
    await CAUSES["price_age"]!(sql, 46);
    assertEquals(await claimedRules(service), ["price_age"]);
    await call(service, "note_prices_checked");
    assertEquals((await alertOf(service, "price_age")).value, 0);
    await passMinutes(sql, 46 * 24 * 60 + 1);
    assertEquals((await alertOf(service, "price_age")).value, 46);
  }));

Deno.test("a reservation that the sweeper cannot close is stuck, though it puts its expiry off", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql);
    const { requestId } = await reserve(service, { userId });
    const failed = () =>
      sql`insert into billing.incidents (kind, request_id) values ('expire_failed', ${requestId})`;
    await failed();
    assertEquals((await alertOf(service, "stuck_reservations")).value, 0);
    await passMinutes(sql, 6);
    assertEquals((await alertOf(service, "stuck_reservations")).value, 1);
    await call(service, "release", { p_request_id: requestId, p_reason: "test" });
    assertEquals((await alertOf(service, "stuck_reservations")).value, 0);
  }));

Deno.test("the evidence says which kinds and models, and names no user", () =>
  withDatabase(async ({ sql, service }) => {
    const userId = await createUser(sql, { email: "ada@example.com" });
    await sql`insert into billing.incidents (kind, user_id, details)
      values ('other_model_without_price', ${userId}, '{"model": "openai:o9"}')`;
    await happen(sql, "missing_price", 1, { model: "openai:gpt-9" });
    const { evidence } = await alertOf(service, "missing_price");
    assertEquals(evidence["kinds"], ["missing_price", "other_model_without_price"]);
    assertEquals(evidence["models"], ["openai:gpt-9", "openai:o9"]);
    assert(!JSON.stringify(evidence).includes(userId));
  }));

Deno.test("health_details hold the alerts, and which are firing", () =>
  withDatabase(async ({ sql, service }: TestDatabase) => {
    await happen(sql, "missing_price", 1);
    const details = await call<Record<string, Record<string, unknown>>>(service, "health_details");
    assertEquals(details["alerts_firing"]!["missing_price"], 1);
    assertEquals(details["alerts_firing"]!["drift"], 0);
    assertEquals(Object.keys(details["alerts_firing"]!).length, Object.keys(THRESHOLDS).length);
    assertEquals(details["pricing_rows"], 23 as unknown);
  }));

Deno.test("incidents are listed newest first, of a kind, since a time, and so many", () =>
  withDatabase(async ({ sql, service }) => {
    const kindsOf = async (args: Record<string, string | number>) =>
      (await call<{ kind: string }[]>(service, "incidents_list", args)).map(({ kind }) => kind);
    await happen(sql, "missing_price", 2);
    await passMinutes(sql, 10);
    await happen(sql, "uncollected", 1);
    assertEquals(await kindsOf({}), ["uncollected", "missing_price", "missing_price"]);
    assertEquals(await kindsOf({ p_kind: "missing_price" }), ["missing_price", "missing_price"]);
    const since = new Date(Date.now() - 5 * 60_000).toISOString();
    assertEquals(await kindsOf({ p_since: since }), ["uncollected"]);
    assertEquals(await kindsOf({ p_limit: 2 }), ["uncollected", "missing_price"]);
  }));

import { assert, assertEquals } from "@std/assert";
import { type Ledger, LedgerUnavailable } from "../../shared/credit/ledger.ts";
import type { AlertLedger } from "../../shared/credit/alerts.ts";
import type { AlertsDeps } from "../../supabase/functions/pricing-health/alerts.ts";
import { createHandler } from "../../supabase/functions/pricing-health/handler.ts";
import { renderMetrics } from "../../supabase/functions/pricing-health/metrics.ts";
import {
  AS_GUEST,
  AS_OPERATOR,
  AS_USER,
  fakeLedger,
  identifyDeps,
  send as sendTo,
} from "./fakes.ts";

const DETAILS = {
  pricing_rows: 23,
  newest_price_at: "2026-11-22T12:00:00.5+00:00",
  accounts: 2,
  balance_total: "19.9988000001",
  reserved_total: "0",
  reservations_open: 1,
  reservations_overdue: 0,
  charges_24h: { count: 4, cost: "0.0012", uncollected: "0", guest_cost: "0.0001" },
  incidents_24h: { price_missing: 2, 'odd"kind\\\n': 1 },
  alerts_firing: { drift: 0, missing_price: 1 },
};
const RECONCILED = { violations: [], accounts: 2, checked_at: "2026-11-22T12:00:00+00:00" };

/** They have their own tests. */
const NO_ALERTS: AlertsDeps = {
  ledger: {} as AlertLedger,
  project: "abc.supabase.co",
  sendAlert: null,
  sendNotice: null,
};

function setUp(answers: Partial<Ledger>) {
  const { ledger } = fakeLedger(answers);
  const handler = createHandler({
    ledger,
    alerts: NO_ALERTS,
    identify: identifyDeps(),
    readOrigins: () => Promise.resolve(["*"]),
  });
  return (path: string, headers: HeadersInit = {}, method = "GET") =>
    sendTo(handler, path, { headers, method });
}

const down = (rpc: string) => () =>
  Promise.reject(new LedgerUnavailable(rpc, "http 503, PGRST002"));
const healthy = { healthCheck: () => Promise.resolve({ pricing_rows: 23, has_accounts: true }) };

Deno.test("a readable ledger is exactly what the guide says, for anyone and for HEAD", async () => {
  const get = setUp(healthy);
  for (const path of ["/pricing-health", "/functions/v1/pricing-health/"]) {
    const { status, text, headers } = await get(path);
    assertEquals([status, text], [200, '{"status":"ok"}']);
    assertEquals(headers.get("content-type")?.startsWith("application/json"), true);
    assertEquals(headers.get("cache-control"), "no-store");
  }
  const head = await get("/pricing-health", {}, "HEAD");
  assertEquals([head.status, head.text], [200, ""]);
});

Deno.test("an unreadable ledger is a 500 with a fixed sentence and nothing of its cause", async () => {
  const answers: Partial<Ledger>[] = [
    { healthCheck: down("health_check") },
    { healthCheck: () => Promise.resolve({ code: "NOT_FOUND", message: "db.internal:5432" }) },
    {
      healthCheck: () =>
        Promise.reject(new TypeError("connect postgres://u:hunter2@db.internal/x")),
    },
  ];
  for (const answer of answers) {
    const { status, text } = await setUp(answer)("/pricing-health");
    assertEquals(status, 500);
    assertEquals(
      text,
      '{"status":"error","error":"The pricing tables cannot be read. ' +
        'The log of this function says why."}',
    );
  }
});

Deno.test("a ledger without a single price is an error: every request would be refused", async () => {
  const { status, json } = await setUp({
    healthCheck: () => Promise.resolve({ pricing_rows: 0 }),
  })("/pricing-health");
  assertEquals([status, json.status], [500, "error"]);
});

Deno.test("details and metrics are for a secret key alone", async () => {
  const get = setUp({});
  for (const path of ["/pricing-health/details", "/pricing-health/metrics"]) {
    assertEquals((await get(path)).status, 401, path);
    assertEquals((await get(path, AS_GUEST)).json.code, "FORBIDDEN", path);
    assertEquals((await get(path, AS_USER)).json.code, "FORBIDDEN", path);
  }
});

Deno.test("details hold the counters and the proof that the ledger is conserved", async () => {
  const answers = {
    healthDetails: () => Promise.resolve(DETAILS),
    reconcile: () => Promise.resolve(RECONCILED),
  };
  const { json } = await setUp(answers)("/pricing-health/details", AS_OPERATOR);
  assertEquals(json, { status: "ok", ...DETAILS, reconcile: RECONCILED });

  const violations = [{
    check: "reserved_is_within_balance",
    user_id: null,
    expected: "",
    actual: "",
  }];
  const drift = await setUp({
    ...answers,
    reconcile: () => Promise.resolve({ ...RECONCILED, violations }),
  })("/pricing-health/details", AS_OPERATOR);
  assertEquals([drift.status, drift.json.status], [200, "error"]);
  assertEquals(drift.json.reconcile.violations, violations);
});

Deno.test("a proof that takes too long does not keep the counters from the operator", async () => {
  const { json } = await setUp({
    healthDetails: () => Promise.resolve(DETAILS),
    reconcile: () => Promise.reject(new LedgerUnavailable("reconcile", "timeout")),
  })("/pricing-health/details", AS_OPERATOR);
  assertEquals([json.status, json.accounts], ["error", 2]);
  assertEquals(json.reconcile, {
    violations: null,
    error: "The ledger could not be reconciled: timeout.",
  });
});

Deno.test("metrics are Prometheus text, with exact amounts and escaped labels", async () => {
  const get = setUp({ healthDetails: () => Promise.resolve(DETAILS) });
  const { text, headers } = await get("/pricing-health/metrics", AS_OPERATOR);
  assertEquals(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  for (
    const line of [
      "# HELP farebox_balance_usd Sum of all balances.",
      "# TYPE farebox_balance_usd gauge",
      "farebox_balance_usd 19.9988000001",
      "farebox_newest_price_timestamp_seconds 1795348800.5",
      "farebox_charges_cost_usd_24h 0.0012",
      'farebox_alert_firing{rule="drift"} 0',
      'farebox_alert_firing{rule="missing_price"} 1',
      'farebox_incidents_24h{kind="price_missing"} 2',
      'farebox_incidents_24h{kind="odd\\"kind\\\\\\n"} 1',
    ]
  ) assert(text.split("\n").includes(line), `${line}\nin\n${text}`);
  assert(text.endsWith("\n"));

  // Every sample follows the HELP and TYPE of its own name, and no name is told twice.
  const seen = new Set<string>();
  let current = "";
  for (const line of text.trimEnd().split("\n")) {
    const described = /^# HELP (\S+) \S/.exec(line)?.[1];
    if (described) {
      assert(!seen.has(described), described);
      seen.add(current = described);
    } else {
      assert(
        line === `# TYPE ${current} gauge` ||
          new RegExp(`^${current}(\\{\\w+="(\\\\.|[^"\\\\])*"\\})? -?\\d+(\\.\\d+)?$`).test(line),
        line,
      );
    }
  }
});

Deno.test("a metric that the ledger does not report is absent, not zero", () => {
  assertEquals(renderMetrics({ accounts: null, incidents_24h: {}, charges_24h: "odd" }), "");
});

Deno.test("an outage makes metrics a 503", async () => {
  const get = setUp({ healthDetails: down("health_details") });
  assertEquals((await get("/pricing-health/metrics", AS_OPERATOR)).status, 503);
});

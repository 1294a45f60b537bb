import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import type { Alert, AlertLedger, Notice } from "../../shared/credit/alerts.ts";
import { LedgerUnavailable } from "../../shared/credit/ledger.ts";
import { createHandler } from "../../supabase/functions/pricing-health/handler.ts";
import { createSend } from "../../supabase/functions/pricing-health/webhook.ts";
import {
  newWebhookSecret,
  startWebhookReceiver,
  verifySignature,
} from "../support/webhook_receiver.ts";
import { AS_GUEST, AS_OPERATOR, AS_USER, fakeLedger, identifyDeps, send, USER } from "./fakes.ts";

const DUE: Alert = {
  rule: "missing_price",
  state: "due",
  value: 3,
  threshold: 0,
  window_minutes: 60,
  cooldown_minutes: 60,
  evidence: { kinds: ["missing_price"], models: ["openai:gpt-9", "openai:<!channel>`*&"] },
  delivered_at: null,
  message_id: "alert_missing_price_1",
};
const QUIET: Alert = { ...DUE, rule: "drift", state: "quiet", value: 0, window_minutes: null };
const NOTICE: Notice = {
  id: "7",
  user_id: USER,
  kind: "low_balance",
  balance: "0.95",
  threshold: "1",
  created_at: "2026-11-22T12:00:00+00:00",
};
const SECRET = newWebhookSecret();
const FAST = { retryAfterMs: [1, 1], timeoutMs: 300 };

type Urls = { alert?: string; balance?: string; secrets?: string[] };

function setUp(urls: Urls, answers: Partial<AlertLedger> = {}) {
  const calls: [string, unknown][] = [];
  const answer = <T>(name: string, value: T) => (given: unknown) => {
    calls.push([name, given]);
    return Promise.resolve(value);
  };
  const ledger: AlertLedger = {
    alerts: () => Promise.resolve([DUE, QUIET]),
    claimAlerts: () => Promise.resolve([DUE, QUIET]),
    alertsDelivered: answer("alertsDelivered", null),
    checkDrift: () => Promise.resolve(true),
    claimNotices: () => Promise.resolve([]),
    noticesDelivered: answer("noticesDelivered", 1),
    ...answers,
  };
  const sender = (url?: string) =>
    url === undefined ? null : createSend({ url, secrets: urls.secrets ?? [] }, FAST);
  const handler = createHandler({
    ledger: fakeLedger({}).ledger,
    alerts: {
      ledger,
      project: "abc.supabase.co",
      sendAlert: sender(urls.alert),
      sendNotice: sender(urls.balance),
    },
    identify: identifyDeps(),
    readOrigins: () => Promise.resolve(["*"]),
  });
  return {
    calls,
    post: (query = "", headers: HeadersInit = AS_OPERATOR) =>
      send(handler, `/pricing-health/alerts${query}`, { method: "POST", headers }),
  };
}

Deno.test("alerts are for a secret key and POST alone", async () => {
  const { post } = setUp({});
  assertEquals((await post("", {})).status, 401);
  for (const headers of [AS_GUEST, AS_USER]) {
    assertEquals((await post("?dry_run=1", headers)).json.code, "FORBIDDEN");
  }
});

Deno.test("what is due reaches the webhook: Slack's body, a signature that verifies, and no markup of a stranger", async () => {
  await using receiver = startWebhookReceiver();
  const { post, calls } = setUp({ alert: receiver.url, secrets: [newWebhookSecret(), SECRET] });
  const { status, json } = await post();
  assertEquals([status, json.status, json.delivered], [200, "ok", ["missing_price"]]);
  assertEquals(calls, [["alertsDelivered", ["missing_price"]]]);
  assertEquals(receiver.arrived.length, 1);
  const message = receiver.arrived[0]!;
  verifySignature(message, SECRET);
  assertThrows(() => verifySignature(message, newWebhookSecret()));
  assertThrows(() => verifySignature({ ...message, body: message.body + " " }, SECRET));
  assertEquals(message.headers.get("webhook-id"), "alert_missing_price_1");
  assertEquals(
    message.text,
    "Farebox (abc.supabase.co): missing_price is at 3 in 60 minutes, above 0: requests for models " +
      "without a price. Models: openai:gpt-9, openai:&lt;!channel&gt;  &amp;. Price a model that " +
      "should be sold: `farebox prices sync --model …` or `prices set`.",
  );
  assertEquals(Object.keys(JSON.parse(message.body)), ["text", "metadata"]);
  const { event_type, event_payload } = message.metadata;
  assertEquals([event_type, event_payload["rule"], event_payload["value"]], [
    "farebox_alert",
    "missing_price",
    3,
  ]);
});

Deno.test("without a secret the message is not signed, and arrives", async () => {
  await using receiver = startWebhookReceiver();
  await setUp({ alert: receiver.url }).post();
  assertEquals(receiver.arrived[0]!.headers.get("webhook-signature"), null);
});

Deno.test("a receiver that fails or hangs is asked up to three times, with one message id", async () => {
  for (const answers of [[500, 200], ["hang", 429, 200]] as (number | "hang")[][]) {
    await using receiver = startWebhookReceiver();
    receiver.answerNext(...answers);
    const { json } = await setUp({ alert: receiver.url, secrets: [SECRET] }).post();
    assertEquals(json.delivered, ["missing_price"]);
    assertEquals(receiver.arrived.length, answers.length);
    const ids = new Set(receiver.arrived.map(({ headers }) => headers.get("webhook-id")));
    assertEquals(ids.size, 1);
  }
});

Deno.test("what cannot be delivered is said, is not acknowledged, and its webhook's URL is told nowhere", async () => {
  const lines: string[] = [];
  const { error } = console;
  console.error = (line: string) => void lines.push(line);
  try {
    for (
      const [answers, reason, attempts] of [
        [[500, 500, 503], "the webhook answered 503", 3],
        [[404], "the webhook answered 404", 1],
        [[302], "the webhook answered 302", 1],
        [["hang", "hang", "hang"], "the webhook did not answer within 0.3 s", 3],
      ] as const
    ) {
      await using receiver = startWebhookReceiver();
      receiver.answerNext(...answers);
      const { post, calls } = setUp({ alert: receiver.url });
      const { status, json, text } = await post();
      assertEquals([status, json.status, json.delivered], [200, "error", []]);
      assertEquals(json.failed, [{ id: "missing_price", reason }]);
      assertEquals(calls, []);
      assertEquals(receiver.arrived.length, attempts, reason);
      assert(!text.includes("secret-of-slack"));
    }
    const gone = "http://127.0.0.1:9/services/secret-of-slack";
    const { json } = await setUp({ alert: gone }).post();
    assertEquals(json.failed[0].reason, "the webhook cannot be reached");
  } finally {
    console.error = error;
  }
  assertEquals(lines.length, 5);
  assert(lines.every((line) => /^Alert not delivered: /.test(line) && !/secret-of/.test(line)));
});

Deno.test("without a webhook an alert is a warning line of the log, said so, and cools down", async () => {
  const lines: string[] = [];
  const { warn } = console;
  console.warn = (line: string) => void lines.push(line);
  try {
    const { post, calls } = setUp({});
    const { status, json } = await post();
    assertEquals([status, json.delivered, json.logged], [200, [], ["missing_price"]]);
    assertMatch(json.note, /ALERT_WEBHOOK_URL is not set/);
    assertEquals(calls, [["alertsDelivered", ["missing_price"]]]);
  } finally {
    console.warn = warn;
  }
  assertMatch(lines.join("\n"), /^Alert: \{"rule":"missing_price","value":3,"threshold":0,.*\}$/);
});

Deno.test("a dry run tells how the rules stand and does nothing", async () => {
  await using receiver = startWebhookReceiver();
  const refuse = () => Promise.reject(new Error("must not be called"));
  const { post } = setUp({ alert: receiver.url }, { claimAlerts: refuse, checkDrift: refuse });
  assertEquals((await post("?dry_run=1")).json, { dry_run: true, alerts: [DUE, QUIET] });
  assertEquals(receiver.arrived, []);
});

Deno.test("a test message reaches each webhook that is set", async () => {
  await using alert = startWebhookReceiver();
  await using balance = startWebhookReceiver();
  balance.answerNext(400);
  const { post } = setUp({ alert: alert.url, balance: balance.url, secrets: [SECRET] });
  const { json } = await post("?test=1");
  assertEquals([json.status, json.delivered], ["error", ["ALERT_WEBHOOK_URL"]]);
  assertEquals(json.failed, [
    { id: "BALANCE_WEBHOOK_URL", reason: "the webhook answered 400" },
  ]);
  verifySignature(alert.arrived[0]!, SECRET);
  assertEquals(alert.arrived[0]!.metadata.event_type, "farebox_alert_test");
  const none = await setUp({}).post("?test=1");
  assertMatch(none.json.note, /ALERT_WEBHOOK_URL is not set/);
});

Deno.test("a notice is an event balance.low, delivered batch by batch and acknowledged", async () => {
  await using receiver = startWebhookReceiver();
  const batches = [25, 1].map((size, batch) =>
    Array.from({ length: size }, (_, i) => ({ ...NOTICE, id: `${batch * 100 + i}` }))
  );
  const { post, calls } = setUp(
    { balance: receiver.url, secrets: [SECRET] },
    {
      claimAlerts: () => Promise.resolve([]),
      claimNotices: () => Promise.resolve(batches.shift()!),
    },
  );
  const { json } = await post();
  assertEquals(json.notices, { delivered: 26, failed: [] });
  assertEquals(calls.map(([, ids]) => (ids as string[]).length), [25, 1]);
  const message = receiver.arrived.find(({ headers }) =>
    headers.get("webhook-id") === "balance_notice_0"
  )!;
  verifySignature(message, SECRET);
  assertEquals(
    message.text,
    `Farebox (abc.supabase.co): user ${USER} is low on credit: the balance is $0.95, below $1.`,
  );
  assertEquals(message.metadata, {
    event_type: "balance.low",
    event_payload: { ...NOTICE, id: "0", project: "abc.supabase.co" },
  });
});

Deno.test("notices that were not delivered are not acknowledged, and no more are claimed", async () => {
  await using receiver = startWebhookReceiver();
  receiver.answerNext(410);
  let claims = 0;
  const { post, calls } = setUp({ balance: receiver.url }, {
    claimAlerts: () => Promise.resolve([]),
    claimNotices: () => {
      claims++;
      return Promise.resolve(Array.from({ length: 25 }, (_, i) => ({ ...NOTICE, id: `${i}` })));
    },
  });
  const { json } = await post();
  assertEquals([json.status, json.notices.delivered, json.notices.failed.length], ["error", 24, 1]);
  assertEquals([(calls[0]![1] as string[]).length, claims], [24, 1]);
});

Deno.test("a proof that takes too long keeps no alert from being told, an outage is a 503", async () => {
  await using receiver = startWebhookReceiver();
  const down = () => Promise.reject(new LedgerUnavailable("any", "timeout"));
  const { json } = await setUp({ alert: receiver.url }, { checkDrift: down }).post();
  assertEquals(json.delivered, ["missing_price"]);
  const outage = await setUp({ alert: receiver.url }, { claimAlerts: down }).post();
  assertEquals([outage.status, outage.json.code], [503, "LEDGER_UNAVAILABLE"]);
});

import { assertEquals, assertMatch } from "@std/assert";
import { Webhook } from "standardwebhooks";
import { type Ledger, LedgerUnavailable } from "../../shared/credit/ledger.ts";
import { addressHash } from "../../shared/edge/client_address.ts";
import { createHandler } from "../../supabase/functions/init-balance/handler.ts";
import { fakeLedger, SECRET, send as sendTo, USER } from "./fakes.ts";

const HOOK_SECRET = `v1,whsec_${btoa("the secret of the hook")}`;
const OLDER_SECRET = `v1,whsec_${btoa("the secret before it")}`;
const WEBHOOK_SECRET = "a-secret-of-the-database";
const SALT = "address salt";

const GRANTED = { state: "granted", amount: "10", balance: "10" } as const;
const DECIDED = {
  decision: "grant",
  amount: "10",
  reason: "first_sign_up",
  message: null,
} as const;

function setUp(answers: Partial<Ledger>, authHookSecrets = [HOOK_SECRET, OLDER_SECRET]) {
  const { ledger, calls } = fakeLedger(answers);
  const handler = createHandler({
    ledger,
    authHookSecrets,
    webhookSecrets: [WEBHOOK_SECRET, SECRET],
    addressHashSalt: SALT,
  });
  const post = (body: string, headers: HeadersInit) =>
    sendTo(handler, "/init-balance", { method: "POST", body, headers });
  const hook = (payload: unknown, options: SignOptions = {}) => {
    const body = typeof payload === "string" ? payload : JSON.stringify(payload);
    return post(body, sign(body, options));
  };
  const webhook = (payload: unknown, secret = WEBHOOK_SECRET) =>
    post(JSON.stringify(payload), { authorization: `Bearer ${secret}` });
  return { handler, calls, post, hook, webhook };
}

type SignOptions = { secret?: string; ageSeconds?: number };

/** The headers of Supabase Auth. */
function sign(body: string, { secret = HOOK_SECRET, ageSeconds = 0 }: SignOptions = {}) {
  const id = `msg_${crypto.randomUUID()}`;
  const time = new Date(Date.now() - ageSeconds * 1000);
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(time.getTime() / 1000)),
    "webhook-signature": new Webhook(secret.replace("v1,", "")).sign(id, time, body),
  };
}

function event(name: string, user: Record<string, unknown> = {}, ip = "203.0.113.7") {
  return {
    metadata: { uuid: crypto.randomUUID(), time: "2026-11-22T12:00:00Z", name, ip_address: ip },
    user: {
      id: USER,
      aud: "authenticated",
      role: "",
      email: "ada@example.com",
      phone: "",
      app_metadata: { provider: "email" },
      user_metadata: {},
      identities: [],
      is_anonymous: false,
      ...user,
    },
  };
}

Deno.test("a sign-up is decided by e-mail and address hash, and let pass; nothing is granted", async () => {
  const { hook, calls } = setUp({ decideSignUp: () => Promise.resolve(DECIDED) });
  const { status, text } = await hook(event("before-user-created"));
  assertEquals([status, text], [200, "{}"]);
  assertEquals(calls, [["decideSignUp", {
    userId: USER,
    email: "ada@example.com",
    addressHash: await addressHash("203.0.113.7", SALT),
    isAnonymous: false,
  }]]);
});

Deno.test("a sign-up without e-mail or readable address is decided by what is known", async () => {
  const { hook, calls } = setUp({ decideSignUp: () => Promise.resolve(DECIDED) });
  await hook(event("before-user-created", { email: "", is_anonymous: true }, ""));
  assertEquals(calls, [[
    "decideSignUp",
    { userId: USER, email: null, addressHash: null, isAnonymous: true },
  ]]);
});

Deno.test("a rejected sign-up is a 200 with the error that Auth shows to the user", async () => {
  const { hook } = setUp({
    decideSignUp: () =>
      Promise.resolve({
        decision: "reject",
        amount: "0",
        reason: "blocked_email_domain",
        message: "Use another e-mail address.",
      }),
  });
  const { status, json } = await hook(event("before-user-created"));
  assertEquals(status, 200);
  assertEquals(json, { error: { http_code: 403, message: "Use another e-mail address." } });
});

Deno.test("a ledger that is down, refuses or is broken never stops a sign-up", async () => {
  const failures: Partial<Ledger>[] = [
    { decideSignUp: () => Promise.reject(new LedgerUnavailable("decide_sign_up", "timeout")) },
    { decideSignUp: () => Promise.resolve({ code: "INVALID_REQUEST", message: "No." }) },
    { decideSignUp: () => Promise.reject(new TypeError("a bug")) },
  ];
  for (const answers of failures) {
    const { status, text } = await setUp(answers).hook(event("before-user-created"));
    assertEquals([status, text], [200, "{}"]);
  }
});

Deno.test("a hook signed by us in a form nobody knows lets the sign-up pass", async () => {
  const { hook, calls } = setUp({});
  for (const body of ["not json", "{}", event("before-user-created", { id: 7 }), event("other")]) {
    const { status, text } = await hook(body);
    assertEquals([status, text], [200, "{}"]);
  }
  assertEquals(calls, []);
});

Deno.test("each of several secrets is accepted, so that one can be changed without a gap", async () => {
  const { hook } = setUp({ decideSignUp: () => Promise.resolve(DECIDED) });
  assertEquals((await hook(event("before-user-created"), { secret: OLDER_SECRET })).status, 200);
});

Deno.test("a bad, foreign, missing or old signature is a 401 in both error shapes", async () => {
  const { hook, post, calls } = setUp({});
  const body = JSON.stringify(event("before-user-created"));
  const good = sign(body);
  const answers = [
    await hook(body, { secret: `v1,whsec_${btoa("somebody else's secret")}` }),
    await hook(body, { ageSeconds: 301 }),
    await hook(body, { ageSeconds: -301 }),
    await post(`${body} `, good),
    await post(body, { ...good, "webhook-id": "another" }),
    await post(body, { ...good, "webhook-timestamp": "soon" }),
    await post(body, { ...good, "webhook-signature": "v1" }),
    await post(body, { ...good, "webhook-signature": "v2,abc garbage" }),
    await post(body, { "webhook-signature": good["webhook-signature"] }),
    await post(body, {}),
  ];
  for (const [index, { status, json }] of answers.entries()) {
    assertEquals([status, json?.code, json?.error?.code], [
      401,
      "UNAUTHENTICATED",
      "UNAUTHENTICATED",
    ], `case ${index}`);
  }
  assertMatch(answers[1]!.json.message, /5 minutes/);
  assertEquals(calls, []);
});

Deno.test("a signed hook in a project without a hook secret is a 401 that says so", async () => {
  const { status, json } = await setUp({}, []).hook(event("before-user-created"));
  assertEquals(status, 401);
  assertMatch(json.message, /no hook secret is set/);
});

Deno.test("after the user was created the welcome credit is granted, however often it is told", async () => {
  const states = ["granted", "already_granted"] as const;
  const { hook, calls } = setUp({
    welcome: () => Promise.resolve({ ...GRANTED, state: states[calls.length - 1]! }),
  });
  for (let i = 0; i < 2; i++) {
    assertEquals((await hook(event("after-user-created"))).text, "{}");
  }
  assertEquals(calls, [["welcome", USER], ["welcome", USER]]);
});

Deno.test("an after hook passes while the ledger is down: the first request grants instead", async () => {
  const { hook } = setUp({
    welcome: () => Promise.reject(new LedgerUnavailable("welcome", "timeout")),
  });
  assertEquals((await hook(event("after-user-created"))).status, 200);
});

const inserted = (record: unknown, type = "INSERT", table = "users", schema = "auth") => ({
  type,
  table,
  schema,
  record,
  old_record: null,
});

Deno.test("a database webhook grants with its own secret or a secret key, on insert and update", async () => {
  const { webhook, calls } = setUp({ welcome: () => Promise.resolve(GRANTED) });
  for (const secret of [WEBHOOK_SECRET, SECRET]) {
    const { status, json } = await webhook(inserted({ id: USER }), secret);
    assertEquals([status, json], [200, { user_id: USER, ...GRANTED }]);
  }
  await webhook(inserted({ id: USER }, "UPDATE"));
  assertEquals(calls, [["welcome", USER], ["welcome", USER], ["welcome", USER]]);
});

Deno.test("a database webhook without the secret is a 401, and no user's token will do", async () => {
  const { webhook, post, calls } = setUp({});
  for (const secret of ["wrong", "sb_publishable_test", ""]) {
    assertEquals((await webhook(inserted({ id: USER }), secret)).status, 401, secret);
  }
  assertEquals((await post("{}", {})).status, 401);
  assertEquals(calls, []);
});

Deno.test("a database webhook about anything else is a 400, and a deletion is ignored", async () => {
  const { webhook, calls } = setUp({});
  for (
    const payload of [
      {},
      inserted({ id: "7" }),
      inserted(null),
      inserted({ id: USER }, "INSERT", "orders"),
      inserted({ id: USER }, "INSERT", "users", "public"),
      inserted({ id: USER }, "TRUNCATE"),
    ]
  ) {
    const { status, json } = await webhook(payload, SECRET);
    assertEquals([status, json.code], [400, "INVALID_REQUEST"], JSON.stringify(payload));
  }
  assertEquals((await webhook(inserted(null, "DELETE"), SECRET)).json, { state: "ignored" });
  assertEquals(calls, []);
});

Deno.test("a database webhook tells of an unknown user and of an outage", async () => {
  const unknown = setUp({
    welcome: () => Promise.resolve({ code: "USER_NOT_FOUND", message: "There is no user." }),
  });
  assertEquals((await unknown.webhook(inserted({ id: USER }), SECRET)).status, 404);
  const down = setUp({
    welcome: () => Promise.reject(new LedgerUnavailable("welcome", "timeout")),
  });
  assertEquals((await down.webhook(inserted({ id: USER }), SECRET)).status, 503);
});

Deno.test("a body over 1 MiB is a 413 before its signature is looked at; GET is a 405", async () => {
  const { post, handler } = setUp({});
  assertEquals(
    (await post("x".repeat(1024 * 1024 + 1), { "webhook-signature": "v1,x" })).status,
    413,
  );
  const get = await sendTo(handler, "/init-balance");
  assertEquals([get.status, get.headers.get("allow")], [405, "POST"]);
});

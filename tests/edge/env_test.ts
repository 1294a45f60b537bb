import { assert, assertEquals, assertThrows } from "@std/assert";
import { EnvError, readEnv } from "../../shared/edge/env.ts";

const COMPLETE: Record<string, string> = {
  SUPABASE_URL: "http://127.0.0.1:54321/",
  SUPABASE_PUBLISHABLE_KEYS: '{"web":"sb_publishable_web","default":"sb_publishable_default"}',
  SUPABASE_SECRET_KEYS: '{"cron":"sb_secret_cron","default":"sb_secret_default"}',
};

function env(changes: Record<string, string> = {}) {
  const variables: Record<string, string> = { ...COMPLETE, ...changes };
  return readEnv((name) => variables[name]);
}

function problems(changes: Record<string, string>): string {
  return assertThrows(() => env(changes), EnvError).message;
}

Deno.test("what the platform injects is enough, and everything else has its documented default", () => {
  const read = env();
  assertEquals(read.supabaseUrl, "http://127.0.0.1:54321");
  assertEquals(read.secretKey, "sb_secret_default");
  assertEquals(read.secretKeys, ["sb_secret_default", "sb_secret_cron"]);
  assertEquals(read.publishableKeys, ["sb_publishable_default", "sb_publishable_web"]);
  assertEquals(read.freeGuestExchanges, 3);
  assertEquals(read.maxBodyBytes, 10 * 1024 * 1024);
  assertEquals(read.streamDeadlineMs, 180_000);
  assertEquals(read.heartbeatMs, 15_000);
  assertEquals(read.upstreamTimeoutMs, 120_000);
  assertEquals(
    [read.usageTracking, read.balanceEnforcement, read.ledgerOutage],
    ["on", "enforce", "refuse"],
  );
  assertEquals(read.saveChatHistory, "off");
  assertEquals(read.corsAllowedOrigins, ["*"]);
  assertEquals(read.authHookSecrets, []);
  assert(read.guestTokenSecret !== read.addressHashSalt);
});

Deno.test("a project with the legacy keys only works, and with both all keys count", () => {
  const legacy = env({
    SUPABASE_PUBLISHABLE_KEYS: "",
    SUPABASE_SECRET_KEYS: "",
    SUPABASE_ANON_KEY: "legacy.anon.key",
    SUPABASE_SERVICE_ROLE_KEY: "legacy.service.key",
  });
  assertEquals([legacy.publishableKey, legacy.secretKey], [
    "legacy.anon.key",
    "legacy.service.key",
  ]);
  const both = env({ SUPABASE_SERVICE_ROLE_KEY: "legacy.service.key" });
  assertEquals(both.secretKeys, ["sb_secret_default", "sb_secret_cron", "legacy.service.key"]);
});

Deno.test("every bad variable is named in one error, and none of their values", () => {
  const message = problems({
    SUPABASE_URL: "",
    SUPABASE_SECRET_KEYS: "sb_secret_not_json",
    FREE_GUEST_EXCHANGES: "three",
    HEARTBEAT_SECONDS: "0",
    BALANCE_ENFORCEMENT: "maybe",
    GUEST_TOKEN_SECRET: "hunter2",
    CORS_ALLOWED_ORIGINS: "app.example",
    BEFORE_USER_CREATED_HOOK_SECRET: "whsec_abc",
    SUPABASE_JWKS: "{",
  });
  for (
    const expected of [
      "SUPABASE_URL is not set",
      'SUPABASE_SECRET_KEYS must be JSON like {"default":"sb_…"}',
      "FREE_GUEST_EXCHANGES must be a whole number from 0 to 10000",
      "HEARTBEAT_SECONDS must be a whole number from 1 to 30",
      "BALANCE_ENFORCEMENT must be one of enforce, observe, off",
      "GUEST_TOKEN_SECRET must be at least 16 characters long",
      "CORS_ALLOWED_ORIGINS must be",
      "BEFORE_USER_CREATED_HOOK_SECRET must be v1,whsec_<base64>",
      "SUPABASE_JWKS must be JSON",
    ]
  ) assert(message.includes(`- ${expected}`), `${expected} in:\n${message}`);
  for (const value of ["hunter2", "sb_secret_not_json", "maybe"]) assert(!message.includes(value));
});

Deno.test("three heartbeats fit into a reservation's 90 seconds, whatever is configured", () => {
  assertEquals(env({ HEARTBEAT_SECONDS: "30" }).heartbeatMs, 30_000);
  assert(problems({ HEARTBEAT_SECONDS: "31" }).includes("HEARTBEAT_SECONDS must be"));
});

Deno.test("the client's address is believed by where the project is, or as the operator says", () => {
  const hosted = { SUPABASE_URL: "https://abcdefghij.supabase.co" };
  assertEquals(env(hosted).clientAddressHeaders[0], "cf-connecting-ip");
  assertEquals(env().clientAddressHeaders, ["x-forwarded-for"]);
  assertEquals(
    env({ ...hosted, CLIENT_ADDRESS_HEADER: "Fly-Client-IP" }).clientAddressHeaders,
    ["fly-client-ip"],
  );
});

Deno.test("a project without any key says which variable to set", () => {
  assert(
    problems({ SUPABASE_SECRET_KEYS: "", SUPABASE_PUBLISHABLE_KEYS: "{}" }).includes(
      "SUPABASE_SECRET_KEYS is not set (nor is the older SUPABASE_SERVICE_ROLE_KEY)",
    ),
  );
  assert(problems({ SUPABASE_SECRET_KEYS: "{}" }).includes("SUPABASE_SECRET_KEYS holds no key"));
});

Deno.test("a provider's key and URL are read by its id", () => {
  const read = env({
    OPENAI_API_KEY: "sk-test",
    OPENAI_BASE_URL: "http://127.0.0.1:9/v1/",
    MY_PROVIDER_2_API_KEY: "key",
    BROKEN_BASE_URL: "not a url",
  });
  assertEquals(read.provider("openai"), { key: "sk-test", baseUrl: "http://127.0.0.1:9/v1" });
  assertEquals(read.provider("my-provider.2"), { key: "key" });
  assertEquals(read.provider("anthropic"), {});
  assertThrows(() => read.provider("broken"), EnvError, "BROKEN_BASE_URL must be an http(s) URL");
});

Deno.test("the platform's keys are read as an object and as a bare array", () => {
  const key = { kty: "EC", kid: "1" };
  assertEquals(env({ SUPABASE_JWKS: JSON.stringify({ keys: [key] }) }).jwks, { keys: [key] });
  assertEquals(env({ SUPABASE_JWKS: JSON.stringify([key]) }).jwks, { keys: [key] });
});

Deno.test("several hook secrets are separated by |, and each must be base64", () => {
  const secret = `v1,whsec_${btoa("a secret of the hook")}`;
  assertEquals(
    env({ BEFORE_USER_CREATED_HOOK_SECRET: `${secret}|${secret}` }).authHookSecrets.length,
    2,
  );
  assert(
    problems({ BEFORE_USER_CREATED_HOOK_SECRET: "v1,whsec_=abcdefghijklmnopqr" })
      .includes("valid base64"),
  );
});

Deno.test("a webhook is read where it is used, and a slip in it does not keep the others from starting", () => {
  const secret = `whsec_${btoa("a secret of the webhook")}`;
  const read = env({
    ALERT_WEBHOOK_URL: "https://hooks.example/T0/B0/x",
    ALERT_WEBHOOK_SECRET: `${secret}|${secret}`,
    BALANCE_WEBHOOK_URL: "hooks.example",
    BALANCE_WEBHOOK_SECRET: "whsec_=abcdefghijklmnopqr",
  });
  assertEquals(read.webhook("ALERT"), {
    url: "https://hooks.example/T0/B0/x",
    secrets: [secret, secret],
  });
  for (
    const problem of ["BALANCE_WEBHOOK_URL must be an", "BALANCE_WEBHOOK_SECRET must be whsec_"]
  ) {
    assertThrows(() => read.webhook("BALANCE"), EnvError, problem);
  }
  assertEquals(env().webhook("ALERT"), undefined);
  assertEquals(env({ ALERT_WEBHOOK_URL: "http://127.0.0.1:9/" }).webhook("ALERT")!.secrets, []);
});

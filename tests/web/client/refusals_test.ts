/** Every refusal of the functions is a typed error with what a page needs to go on. */
import { assertEquals } from "@std/assert";
import { assert, assertInstanceOf } from "../../support/narrowing.ts";
import {
  FareboxError,
  FreeLimitReached,
  InsufficientBalance,
  NetworkError,
  SessionExpired,
} from "../../../web/client/mod.ts";
import { startTestStack } from "../../support/stack.ts";
import { asking, guestPage, hear, userPage } from "./client_harness.ts";

const stack = await startTestStack();
Deno.test.afterAll(() => stack.stop());

Deno.test("402 is InsufficientBalance with the balance's own digits", async () => {
  const { farebox, userId } = await userPage(stack);
  await stack.sql`
    update public.user_balances set balance = 0.0000000001 where user_id = ${userId}`;
  const { error, events } = await hear(farebox.streamChat(asking()));
  assertInstanceOf(error, InsufficientBalance);
  assertEquals([error.code, error.status, error.balance], [
    "INSUFFICIENT_BALANCE",
    402,
    "0.0000000001",
  ]);
  assert(error.requestId !== null && error.message.includes("Add credit"), error.message);
  assertEquals(events, []);
});

Deno.test("the fourth question of a guest is FreeLimitReached, with when it ends", async () => {
  const { farebox } = guestPage(stack);
  for (const left of [2, 1, 0]) {
    assertEquals((await hear(farebox.streamChat(asking()))).start?.freeExchangesLeft, left);
  }
  const { error } = await hear(farebox.streamChat(asking()));
  assertInstanceOf(error, FreeLimitReached);
  assertEquals([error.status, error.limit], [429, 3]);
  assert(error.retryAfterSeconds! > 3600);
  assert(Date.parse(error.windowEndsAt ?? "") > Date.now());
});

Deno.test("a guest who asks for receipts or usage is told to sign in: 403", async () => {
  const { farebox } = guestPage(stack);
  for (const asked of [farebox.usage(), farebox.receipt(crypto.randomUUID(), { waitMs: 9_000 })]) {
    const error = await asked.then(() => null, (error) => error);
    assertInstanceOf(error, FareboxError);
    assertEquals([error.code, error.status], ["FORBIDDEN", 403]);
  }
});

Deno.test("404: no such model, no such receipt", async () => {
  const { farebox } = await userPage(stack);
  const { error } = await hear(farebox.streamChat(asking({}, { model: "openai:gpt-9000" })));
  assertInstanceOf(error, FareboxError);
  assertEquals([error.code, error.status, error.body.model], [
    "MODEL_NOT_FOUND",
    404,
    "openai:gpt-9000",
  ]);
  const beganAtMs = Date.now();
  const none = await farebox.receipt(crypto.randomUUID(), { waitMs: 9_000 }).catch((e) => e);
  assertEquals([none.code, none.status], ["REQUEST_NOT_FOUND", null]);
  assert(Date.now() - beganAtMs < 3_000, "nothing is held: it will never come");
});

Deno.test("429 says when to come again", async () => {
  const { farebox, userId } = await userPage(stack);
  await stack.sql`update billing.settings set requests_per_minute_max = 1`;
  try {
    await hear(farebox.streamChat(asking()));
    const { error } = await hear(farebox.streamChat(asking()));
    assertInstanceOf(error, FareboxError);
    assertEquals([error.code, error.status], ["TOO_MANY_REQUESTS", 429]);
    assert(error.retryAfterSeconds! > 0 && error.retryAfterSeconds! <= 60, userId);
  } finally {
    await stack.sql`update billing.settings set requests_per_minute_max = null`;
  }
});

Deno.test("what the provider says of a bad request is passed on with its words", async () => {
  const { farebox } = await userPage(stack);
  const { error } = await hear(farebox.streamChat(asking({ fail: 400 })));
  assertInstanceOf(error, FareboxError);
  assertEquals([error.status, error.message], [400, "The demo provider fails, as ordered."]);
});

Deno.test("a provider that breaks off: what came is told, then its cost, then the error", async () => {
  const { farebox } = await userPage(stack);
  for (const script of [{ drop_after_tokens: 5 }, { error_frame_after_tokens: 5 }]) {
    const { error, text, cost, events } = await hear(farebox.streamChat(asking(script)));
    assertInstanceOf(error, FareboxError);
    assertEquals(error.status, null);
    assert(text.length > 0 && cost !== null);
    assertEquals([events.at(-1)?.type, error.requestId], ["cost", cost.request_id]);
    assertEquals((await farebox.receipt(cost.request_id)).cost, cost.cost);
  }
});

Deno.test("a token that is not taken is refreshed once and the question asked again", async () => {
  const { farebox, supabase } = await userPage(stack);
  const { data: { session } } = await supabase.auth.getSession();
  assert(session !== null);
  const stale = { ...session, access_token: `${session.access_token.slice(0, -6)}AAAAAA` };
  const getSession = supabase.auth.getSession.bind(supabase.auth);
  const answer = { data: { session: stale }, error: null };
  supabase.auth.getSession = () => Promise.resolve(answer) as ReturnType<typeof getSession>;
  assertEquals((await farebox.balance()).kind, "user");
  const heard = await hear(farebox.streamChat(asking({ text: "Here again." })));
  assertEquals([heard.error, heard.text], [undefined, "Here again."]);
});

Deno.test("a session that cannot be refreshed either is SessionExpired, and never a guest's", async () => {
  const { farebox, supabase } = await userPage(stack);
  const { data: { session } } = await supabase.auth.getSession();
  assert(session !== null);
  session.access_token = `${session.access_token.slice(0, -6)}AAAAAA`;
  const answer = { data: { session }, error: null };
  const { auth } = supabase;
  auth.getSession = () => Promise.resolve(answer) as ReturnType<typeof auth.getSession>;
  const refreshed = { data: { session: null, user: null }, error: new Error("no such token") };
  auth.refreshSession = () =>
    Promise.resolve(refreshed) as unknown as ReturnType<typeof auth.refreshSession>;
  const { error } = await hear(farebox.streamChat(asking()));
  assertInstanceOf(error, SessionExpired);
  assertEquals([error.status, error.message], [401, "Your session has ended. Sign in again."]);
});

Deno.test("no network, and an address that is not Farebox's, are told apart", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const away = guestPage(stack, { functionsUrl: `http://127.0.0.1:${port}` }).farebox;
  const { error } = await hear(away.streamChat(asking()));
  assertInstanceOf(error, NetworkError);
  assertEquals([error.code, error.status], ["NETWORK_ERROR", null]);
  assertInstanceOf(await away.balance().catch((error) => error), NetworkError);

  const page = guestPage(stack, { functionsUrl: stack.url }).farebox;
  const wrong = await page.balance().catch((error) => error);
  assertInstanceOf(wrong, FareboxError);
  assertEquals(wrong.code, "BAD_ANSWER");
});

Deno.test("503 while the database is away, and good again after it", async () => {
  const { farebox } = await userPage(stack);
  // So that Auth's word on the token is remembered.
  await farebox.balance();
  await stack.postgres("stop");
  try {
    const error = await farebox.balance().catch((error) => error);
    assertInstanceOf(error, FareboxError);
    assertEquals([error.code, error.status, error.retryAfterSeconds], [
      "LEDGER_UNAVAILABLE",
      503,
      2,
    ]);
  } finally {
    await stack.postgres("start");
  }
});

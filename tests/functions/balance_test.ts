import { assertEquals, assertMatch } from "@std/assert";
import { LedgerUnavailable } from "../../shared/credit/ledger.ts";
import { account, setUp } from "./balance_set_up.ts";
import { AS_GUEST, AS_OPERATOR, USER } from "./fakes.ts";

const REQUEST = "0190a5b0-0000-7000-8000-000000000001";

Deno.test("a user's balance is a JSON number with exactly the ledger's digits", async () => {
  const { get, calls } = setUp({ accountBalance: account });
  const { status, text, headers } = await get("/balance");
  assertEquals(status, 200);
  assertEquals(
    text,
    '{"balance":9.9988000001,"currency":"USD","available":"9.4988000001","reserved":"0.5"}',
  );
  assertEquals(headers.get("cache-control"), "no-store");
  assertEquals(calls, [["accountBalance", USER]]);
});

Deno.test("a guest sees the exchanges that are left, and gets the guest token", async () => {
  const { send, calls } = setUp({
    guestStatus: () => Promise.resolve({ limit: 3, left: 2, window_ends_at: null }),
  });
  const { json, headers } = await send("/balance", { headers: AS_GUEST });
  assertEquals(json, {
    balance: 0,
    currency: "USD",
    available: "0",
    reserved: "0",
    isGuest: true,
    exchanges: { limit: 3, left: 2, window_ends_at: null },
  });
  assertMatch(headers.get("x-guest-token") ?? "", /^v1\./);
  assertMatch(headers.get("set-cookie") ?? "", /^farebox_guest=v1\./);
  assertEquals((calls[0]![1] as { guestLimit: number }).guestLimit, 3);
});

Deno.test("an anonymous session is a guest, held by its user id", async () => {
  const { get, calls } = setUp({
    guestStatus: () => Promise.resolve({ limit: 3, left: 0, window_ends_at: null }),
  }, "anonymous");
  assertEquals((await get("/balance")).json.isGuest, true);
  assertEquals((calls[0]![1] as { guestTokenId: string }).guestTokenId, `user:${USER}`);
});

Deno.test("an operator acts for the user in x-user-id, and must name one", async () => {
  const { send, calls } = setUp({ accountBalance: account });
  const named = await send("/balance", { headers: { ...AS_OPERATOR, "x-user-id": USER } });
  assertEquals([named.status, calls[0]], [200, ["accountBalance", USER]]);
  const unnamed = await send("/balance", { headers: AS_OPERATOR });
  assertEquals([unnamed.status, unnamed.json.param], [400, "x-user-id"]);
});

Deno.test("usage passes every filter on, with defaults for what is not asked", async () => {
  const page = { records: [], next_before: null };
  const { get, calls } = setUp({ usageList: () => Promise.resolve(page) });
  const query = "from=2026-11-01&to=2026-12-01T00:00:00Z&model=openai:gpt-4o&chat_id=c%2F1" +
    "&limit=10&before=123.4-f";
  assertEquals((await get(`/balance/usage?${query}`)).json, page);
  assertEquals(calls[0], ["usageList", {
    userId: USER,
    from: "2026-11-01",
    to: "2026-12-01T00:00:00Z",
    model: "openai:gpt-4o",
    chatId: "c/1",
    limit: 10,
    before: "123.4-f",
  }]);
  await get("/balance/usage?forceFunctionRegion=eu-west-1&model=");
  assertEquals(calls[1], ["usageList", {
    userId: USER,
    from: null,
    to: null,
    model: null,
    chatId: null,
    limit: 50,
    before: null,
  }]);
});

Deno.test("a time zone's plus may come unencoded", async () => {
  const { get, calls } = setUp({
    usageList: () => Promise.resolve({ records: [], next_before: null }),
  });
  await get("/balance/usage?from=2026-11-01T00:00:00.5+02:00");
  assertEquals((calls[0]![1] as { from: string }).from, "2026-11-01T00:00:00.5+02:00");
});

Deno.test("a summary is by day unless asked by model", async () => {
  const zero = { input: 0, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 0 };
  const { get, calls } = setUp({
    usageSummary: ({ by }) =>
      Promise.resolve({ by, groups: [], total: { requests: 0, tokens: zero, cost: "0" } }),
  });
  assertEquals((await get("/balance/usage/summary")).json.by, "day");
  assertEquals((await get("/balance/usage/summary?by=model&from=2026-11-01")).json.by, "model");
  assertEquals(calls[1], [
    "usageSummary",
    { userId: USER, by: "model", from: "2026-11-01", to: null },
  ]);
});

Deno.test("a bad parameter is a 400 that names it, and the ledger is not asked", async () => {
  const { get, calls } = setUp({});
  for (
    const [path, param] of [
      ["usage?limit=0", "limit"],
      ["usage?limit=201", "limit"],
      ["usage?limit=ten", "limit"],
      ["usage?limit=-5", "limit"],
      ["usage?from=yesterday", "from"],
      ["usage?from=2026-13-45", "from"],
      ["usage?from=2026-02-30", "from"],
      ["usage?from=0000-01-01", "from"],
      ["usage?to=2026-11-01T00:00:00%2B99:00", "to"],
      ["usage?to=2026-11-01'--", "to"],
      ["usage?from=2026-11-02&to=2026-11-01", "from"],
      ["usage?before=abc", "before"],
      ["transactions?before=1764000000000000", "before"],
      [`usage?model=${"m".repeat(300)}`, "model"],
      ["usage/summary?by=hour", "by"],
      ["transactions?limit=1.5", "limit"],
      ["receipts/not-an-id", "requestId"],
      [`usage/chats/${"c".repeat(300)}`, "chatId"],
    ]
  ) {
    const { status, json } = await get(`/balance/${path}`);
    assertEquals([status, json.code, json.param], [400, "INVALID_REQUEST", param], path);
    assertEquals(json.error.param, param);
  }
  assertEquals(calls, []);
});

Deno.test("a chat's id is decoded, whatever it holds", async () => {
  const { get, calls } = setUp({
    chatCost: ({ chatId }) =>
      Promise.resolve({
        chat_id: chatId,
        cost: "0",
        requests: 0,
        tokens: { input: 0, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 0 },
        messages: [],
      }),
  });
  assertEquals((await get("/functions/v1/balance/usage/chats/a%2Fb%20%C3%BC")).status, 200);
  assertEquals(calls, [["chatCost", { userId: USER, chatId: "a/b ü" }]]);
});

Deno.test("a receipt is found for its user, and for an operator who names nobody", async () => {
  const { get, send, calls } = setUp({ receipt: () => Promise.resolve(null) });
  const missing = await get(`/balance/receipts/${REQUEST.toUpperCase()}`);
  assertEquals([missing.status, missing.json.code], [404, "REQUEST_NOT_FOUND"]);
  await send(`/balance/receipts/${REQUEST}`, { headers: AS_OPERATOR });
  assertEquals(calls, [
    ["receipt", { userId: USER, requestId: REQUEST }],
    ["receipt", { userId: null, requestId: REQUEST }],
  ]);
});

Deno.test("a guest is FORBIDDEN what only an account has", async () => {
  const { send, calls } = setUp({});
  for (
    const path of ["usage", "usage/summary", "usage/chats/1", `receipts/${REQUEST}`, "transactions"]
  ) {
    const { status, json } = await send(`/balance/${path}`, { headers: AS_GUEST });
    assertEquals([status, json.code], [403, "FORBIDDEN"], path);
  }
  assertEquals(calls, []);
});

Deno.test("without a credential every route is 401, and a sign-in outage is 503", async () => {
  const { send } = setUp({});
  for (const path of ["", "/usage", "/transactions"]) {
    assertEquals((await send(`/balance${path}`)).status, 401, path);
  }
  const down = setUp({}, { code: "AUTH_UNAVAILABLE", message: "Retry." });
  assertEquals((await down.get("/balance")).status, 503);
});

Deno.test("the ledger's refusals and outages reach the caller in the house's form", async () => {
  const unknown = setUp({
    accountBalance: () => Promise.resolve({ code: "USER_NOT_FOUND", message: "There is no user." }),
  });
  assertEquals((await unknown.get("/balance")).json.code, "USER_NOT_FOUND");
  const down = setUp({
    accountBalance: () => Promise.reject(new LedgerUnavailable("account_balance", "timeout")),
  });
  const { status, json, headers } = await down.get("/balance");
  assertEquals([status, json.code, headers.get("retry-after")], [503, "LEDGER_UNAVAILABLE", "2"]);
});

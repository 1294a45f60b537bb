import { assertEquals } from "@std/assert";
import type { Refusal, RefusalCode } from "../../shared/edge/refusal.ts";
import { respond, respondToBug } from "../../shared/edge/respond.ts";

const REQUEST_ID = "0190a5b0-0000-7000-8000-000000000001";
const NOW_MS = Date.parse("2026-11-22T12:00:00Z");
const message = "What happened, and what to do.";

/** Every refusal there is, with its status and the headers that tell a client what to do. */
const CASES: Record<RefusalCode, [Refusal, number, Record<string, string>]> = {
  INVALID_REQUEST: [{ code: "INVALID_REQUEST", message, param: "n" }, 400, {}],
  INVALID_JSON: [{ code: "INVALID_JSON", message }, 400, {}],
  UNAUTHENTICATED: [{ code: "UNAUTHENTICATED", message }, 401, { "www-authenticate": "Bearer" }],
  INSUFFICIENT_BALANCE: [
    { code: "INSUFFICIENT_BALANCE", message, balance: "0.004", available: "0.003" },
    402,
    { "x-balance": "0.004", "x-should-retry": "false" },
  ],
  MODEL_NOT_ALLOWED: [{ code: "MODEL_NOT_ALLOWED", message, model: "openai:o1" }, 403, {}],
  SPEND_LIMIT_REACHED: [
    {
      code: "SPEND_LIMIT_REACHED",
      message,
      limit: "5",
      spent: "4.99",
      resets_at: "2026-11-23T00:00:00+00:00",
      requests_limit: { limit: 60, remaining: 58, reset_seconds: 41 },
    },
    429,
    {
      "retry-after": "43200",
      "x-should-retry": "false",
      "x-ratelimit-limit-requests": "60",
      "x-ratelimit-remaining-requests": "58",
      "x-ratelimit-reset-requests": "41s",
    },
  ],
  FORBIDDEN: [{ code: "FORBIDDEN", message }, 403, {}],
  NOT_FOUND: [{ code: "NOT_FOUND", message }, 404, {}],
  MODEL_NOT_FOUND: [{ code: "MODEL_NOT_FOUND", message, model: "gpt-9" }, 404, {}],
  PROVIDER_NOT_ENABLED: [{ code: "PROVIDER_NOT_ENABLED", message, provider: "xai" }, 404, {}],
  USER_NOT_FOUND: [{ code: "USER_NOT_FOUND", message }, 404, {}],
  REQUEST_NOT_FOUND: [{ code: "REQUEST_NOT_FOUND", message }, 404, {}],
  METHOD_NOT_ALLOWED: [
    { code: "METHOD_NOT_ALLOWED", message, allow: "GET, HEAD" },
    405,
    { allow: "GET, HEAD" },
  ],
  DUPLICATE_REQUEST: [
    { code: "DUPLICATE_REQUEST", message, request_id: "other" },
    409,
    { "x-should-retry": "false" },
  ],
  CONFLICT: [{ code: "CONFLICT", message }, 409, { "x-should-retry": "false" }],
  REQUEST_TOO_LARGE: [{ code: "REQUEST_TOO_LARGE", message, size_bytes_max: 10 }, 413, {}],
  IDEMPOTENCY_KEY_REUSED: [
    { code: "IDEMPOTENCY_KEY_REUSED", message },
    422,
    { "x-should-retry": "false" },
  ],
  TOO_MANY_REQUESTS: [
    {
      code: "TOO_MANY_REQUESTS",
      message,
      retry_after_seconds: 7,
      limit: 5,
      remaining: 0,
      requests_limit: { limit: 5, remaining: 0, reset_seconds: 7 },
    },
    429,
    {
      "retry-after": "7",
      "x-ratelimit-limit-requests": "5",
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "7s",
    },
  ],
  FREE_LIMIT_REACHED: [
    {
      code: "FREE_LIMIT_REACHED",
      message,
      limit: 3,
      window_ends_at: "2026-11-22T13:00:00.5Z",
    },
    429,
    { "x-free-limit": "reached", "retry-after": "3601", "x-should-retry": "false" },
  ],
  LEDGER_UNAVAILABLE: [{ code: "LEDGER_UNAVAILABLE", message }, 503, { "retry-after": "2" }],
  AUTH_UNAVAILABLE: [{ code: "AUTH_UNAVAILABLE", message }, 503, { "retry-after": "2" }],
  UPSTREAM_ERROR: [{ code: "UPSTREAM_ERROR", message }, 502, {}],
  UPSTREAM_TIMEOUT: [{ code: "UPSTREAM_TIMEOUT", message }, 504, { "x-should-retry": "false" }],
};

function send(refusal: Refusal) {
  return respond(refusal, { requestId: REQUEST_ID, now: () => NOW_MS });
}

for (const [code, [refusal, status, headers]] of Object.entries(CASES)) {
  Deno.test("a duplicate of what still runs may come again, one of what has ended shows its receipt", async () => {
    const duplicate = { code: "DUPLICATE_REQUEST", message, request_id: "other" } as const;
    const running = respond({ ...duplicate, state: "open" }, { requestId: "r" });
    assertEquals([running.headers.get("retry-after"), running.headers.get("x-should-retry")], [
      "5",
      null,
    ]);
    assertEquals("receipt" in await running.json(), false);
    const receipt = { cost: "0.0012" };
    const ended = respond({ ...duplicate, state: "settled", receipt }, { requestId: "r" });
    assertEquals([ended.headers.get("retry-after"), ended.headers.get("x-should-retry")], [
      null,
      "false",
    ]);
    const body = await ended.json();
    assertEquals([body.duplicate_of, body.receipt], ["other", receipt]);
  });

  Deno.test(`${code} is a ${status} in both error shapes, with its request id`, async () => {
    const response = send(refusal);
    assertEquals(response.status, status);
    for (const [name, value] of Object.entries(headers)) {
      assertEquals(response.headers.get(name), value, name);
    }
    assertEquals(response.headers.get("x-request-id"), REQUEST_ID);
    assertEquals(response.headers.get("cache-control"), "no-store");
    const body = await response.json();
    assertEquals([body.code, body.message], [code, message]);
    assertEquals([body.error.code, body.error.message], [code, message]);
    assertEquals(body.request_id, REQUEST_ID);
  });
}

Deno.test("a 402 carries the balance as a JSON number with exactly its digits", async () => {
  const exact = "12345678.0000000001"; // more digits than a float has
  const response = send({
    code: "INSUFFICIENT_BALANCE",
    message,
    balance: exact,
    available: "0.0000000001",
  });
  const text = await response.text();
  assertEquals(text.includes(`"balance":${exact},`), true, text);
  assertEquals(response.headers.get("x-balance"), exact);
  assertEquals(JSON.parse(text).available, "0.0000000001");
});

Deno.test("a dialect's envelope stands beside the plain shape", async () => {
  const response = respond({ code: "INVALID_REQUEST", message, param: "model" }, {
    requestId: REQUEST_ID,
    dialectError: (error) => ({
      type: "error",
      error: { type: "invalid_request_error", ...error },
    }),
  });
  const body = await response.json();
  assertEquals(body.type, "error");
  assertEquals(body.error, {
    type: "invalid_request_error",
    status: 400,
    code: "INVALID_REQUEST",
    message,
    param: "model",
  });
  assertEquals([body.code, body.message, body.param], ["INVALID_REQUEST", message, "model"]);
});

Deno.test("a window of unknown end or in the past still has a retry-after above zero", () => {
  const limit = { code: "FREE_LIMIT_REACHED", message, limit: 3 } as const;
  assertEquals(send(limit).headers.get("retry-after"), "3600");
  const past = send({ ...limit, window_ends_at: "2026-11-22T11:59:59Z" });
  assertEquals(past.headers.get("retry-after"), "1");
});

Deno.test("a bug is a 500 that says nothing of its cause", async () => {
  const response = respondToBug({ requestId: REQUEST_ID });
  assertEquals([response.status, response.headers.get("x-request-id")], [500, REQUEST_ID]);
  const body = await response.json();
  assertEquals([body.code, body.error.code], ["INTERNAL_ERROR", "INTERNAL_ERROR"]);
});

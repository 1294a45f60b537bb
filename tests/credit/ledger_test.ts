import { assert, assertEquals } from "@std/assert";
import { LedgerUnavailable } from "../../shared/credit/ledger.ts";
import { refusalFromOutage } from "../../shared/credit/refusals.ts";
import type { Reservation } from "../../shared/credit/results.ts";
import type { Refusal } from "../../shared/edge/refusal.ts";
import { parseUsd } from "../../shared/pricing/money.ts";
import { NO_MEDIA } from "../../shared/pricing/usage.ts";
import { refusalOf, valueOf } from "../edge/outcomes.ts";
import { fakeDataApi, refused } from "./fake_data_api.ts";

const USER = "11111111-2222-4333-8444-555555555555";
const REQUEST = "0190a5b0-0000-7000-8000-000000000001";
const TOKENS = { input: 1, cache_read: 2, cache_write_5m: 3, cache_write_1h: 4, output: 5 };

async function outageOf(call: Promise<unknown>): Promise<LedgerUnavailable> {
  try {
    await call;
  } catch (error) {
    if (error instanceof LedgerUnavailable) return error;
    throw error;
  }
  throw new Error("The ledger answered");
}

const RESERVATION = {
  request_id: REQUEST,
  amount: "0.0102425",
  output_tokens_reserved: 1024,
  output_tokens_limit: null,
  output_limited_by: null,
  balance: "10",
  available: "9.9897575",
  price_version: 7,
  price: {
    provider_id: "openai",
    model_id: "gpt-4o",
    input_per_1k: "0.0025",
    output_per_1k: "0.01",
    cache_read_per_1k: "0.00125",
    request_fee: "0",
    long_input_per_1k: null,
  },
  markup_basis_points: 0,
  expires_at: "2026-11-22T12:00:00+00:00",
  would_refuse: null,
  guest_exchanges_left: null,
  enforcement: "enforce",
  requests_limit: null,
  spend_limit: null,
};

/** The reservation that must have come. */
function reserved(outcome: Reservation | null | Refusal): Reservation {
  const reservation = valueOf(outcome);
  if (reservation === null) throw new Error("The ledger answered that nothing is tracked");
  return reservation;
}

const RESERVE = {
  requestId: REQUEST,
  payer: { userId: USER },
  providerId: "openai",
  modelId: "gpt-4o",
  fallbackModels: [],
  withMedia: false,
  webSearchesMax: 0,
  inputTokensMax: 100,
  outputTokensMax: null,
  chatId: null,
  idempotencyKey: null,
  requestHash: null,
  enforcement: "enforce",
  canExtend: true,
} as const;

Deno.test("reserve names every argument and reads the price that it holds", async () => {
  const { ledger, calls } = fakeDataApi(() => Response.json(RESERVATION));
  const reservation = reserved(await ledger.reserve(RESERVE));
  assertEquals(calls[0]!.url, "http://project.test/rest/v1/rpc/reserve");
  assertEquals(calls[0]!.headers.get("apikey"), "sb_secret_test");
  assertEquals(calls[0]!.args, {
    p_request_id: REQUEST,
    p_user_id: USER,
    p_guest_token_id: null,
    p_guest_address_hash: null,
    p_guest_limit: null,
    p_provider_id: "openai",
    p_model_id: "gpt-4o",
    p_input_tokens_max: 100,
    p_output_tokens_max: null,
    p_chat_id: null,
    p_idempotency_key: null,
    p_request_hash: null,
    p_enforcement: "enforce",
    p_can_extend: true,
    p_fallback_models: null,
    p_with_media: false,
    p_web_searches_max: 0,
  });
  assertEquals(reservation.amount, "0.0102425");
  assertEquals(reservation.price.version, 7);
  assertEquals(reservation.candidates, [{ model: "openai:gpt-4o", price: reservation.price }]);
  assertEquals(reservation.price.standard.cache_read, parseUsd("0.00125"));
});

Deno.test("reserve names who may answer instead, and reads the price of each, the asked one first", async () => {
  const fallback = { ...RESERVATION.price, model_id: "gpt-4.1", price_version: 9 };
  const { ledger, calls } = fakeDataApi(() =>
    Response.json({ ...RESERVATION, fallbacks: [fallback] })
  );
  const reservation = reserved(
    await ledger.reserve({
      ...RESERVE,
      fallbackModels: ["openai:gpt-4.1"],
      withMedia: true,
      webSearchesMax: 3,
    }),
  );
  const { p_fallback_models, p_with_media, p_web_searches_max } = calls[0]!.args;
  assertEquals(
    [p_fallback_models, p_with_media, p_web_searches_max],
    [["openai:gpt-4.1"], true, 3],
  );
  assertEquals(reservation.candidates.map(({ model, price }) => [model, price.version]), [
    ["openai:gpt-4o", 7],
    ["openai:gpt-4.1", 9],
  ]);
});

Deno.test("a guest reserves with both holders and the limit, and without a user", async () => {
  const { ledger, calls } = fakeDataApi(() =>
    Response.json({ ...RESERVATION, balance: null, available: null, guest_exchanges_left: 2 })
  );
  const payer = { guestTokenId: "g", guestAddressHash: "a", guestLimit: 3 };
  const reservation = reserved(await ledger.reserve({ ...RESERVE, payer }));
  const { p_user_id, p_guest_token_id, p_guest_address_hash, p_guest_limit } = calls[0]!.args;
  assertEquals(
    [p_user_id, p_guest_token_id, p_guest_address_hash, p_guest_limit],
    [null, "g", "a", 3],
  );
  assertEquals([reservation.balance, reservation.guest_exchanges_left], [null, 2]);
});

Deno.test("reserve answers null where the ledger says that this user is not tracked", async () => {
  const { ledger } = fakeDataApi(() => Response.json({ state: "untracked" }));
  assertEquals(await ledger.reserve(RESERVE), null);
});

Deno.test("settle sends every token class under its own name", async () => {
  const { ledger, calls } = fakeDataApi(() =>
    Response.json({
      state: "settled",
      cost: "0.001",
      collected: "0.001",
      uncollected: "0",
      balance_before: "10",
      balance: "9.999",
      basis: "reported",
      tokens: TOKENS,
    })
  );
  const settlement = valueOf(
    await ledger.settle({
      requestId: REQUEST,
      model: "openai:gpt-4o-mini",
      tokens: TOKENS,
      media: { ...NO_MEDIA, input_audio: 1 },
      webSearches: 2,
      otherModels: [{ model: "advisor", tokens: TOKENS }],
      providerCost: "0.001",
      serviceTier: "default",
      flags: ["total_mismatch"],
      basis: "reported",
      providerRequestId: "chatcmpl-1",
      finish: "stop",
      firstTokenMs: 10,
      durationMs: 20,
    }),
  );
  assertEquals(calls[0]!.args, {
    p_request_id: REQUEST,
    p_input_tokens: 1,
    p_cache_read_tokens: 2,
    p_cache_write_5m_tokens: 3,
    p_cache_write_1h_tokens: 4,
    p_output_tokens: 5,
    p_basis: "reported",
    p_provider_request_id: "chatcmpl-1",
    p_finish: "stop",
    p_first_token_ms: 10,
    p_duration_ms: 20,
    p_model: "openai:gpt-4o-mini",
    p_input_audio_tokens: 1,
    p_input_image_tokens: 0,
    p_cache_read_audio_tokens: 0,
    p_output_audio_tokens: 0,
    p_output_image_tokens: 0,
    p_web_searches: 2,
    p_other_models: [{ model: "advisor", ...TOKENS }],
    p_provider_cost: "0.001",
    p_service_tier: "default",
    p_flags: ["total_mismatch"],
  });
  assertEquals([settlement.state, settlement.balance], ["settled", "9.999"]);
});

Deno.test("every refusal of the ledger comes back as a value with its evidence", async () => {
  const message = "What happened. What to do.";
  const cases: [() => Response, object][] = [
    [
      refused(402, "INSUFFICIENT_BALANCE", { balance: "0.004", available: "0", required: "0.01" }),
      { code: "INSUFFICIENT_BALANCE", message, balance: "0.004", available: "0" },
    ],
    [
      refused(404, "MODEL_NOT_FOUND", { model: "openai:x" }),
      { code: "MODEL_NOT_FOUND", message, model: "openai:x" },
    ],
    [refused(404, "USER_NOT_FOUND"), { code: "USER_NOT_FOUND", message }],
    [refused(404, "REQUEST_NOT_FOUND"), { code: "REQUEST_NOT_FOUND", message }],
    [
      refused(409, "DUPLICATE_REQUEST", { request_id: REQUEST, state: "open" }),
      { code: "DUPLICATE_REQUEST", message, request_id: REQUEST, state: "open" },
    ],
    [refused(409, "KEY_CONFLICT"), { code: "CONFLICT", message }],
    [refused(409, "RESERVATION_CLOSED"), { code: "CONFLICT", message }],
    [refused(422, "IDEMPOTENCY_KEY_REUSED"), { code: "IDEMPOTENCY_KEY_REUSED", message }],
    [
      refused(429, "FREE_LIMIT_REACHED", { limit: 3, window_ends_at: null }),
      { code: "FREE_LIMIT_REACHED", message, limit: 3 },
    ],
    [refused(429, "TOO_MANY_REQUESTS"), { code: "TOO_MANY_REQUESTS", message }],
    [
      refused(429, "TOO_MANY_REQUESTS", {
        retry_after_seconds: 7,
        limit: 5,
        remaining: 0,
        requests_limit: { limit: 5, remaining: 0, reset_seconds: 7 },
      }),
      {
        code: "TOO_MANY_REQUESTS",
        message,
        retry_after_seconds: 7,
        limit: 5,
        remaining: 0,
        requests_limit: { limit: 5, remaining: 0, reset_seconds: 7 },
      },
    ],
    [
      refused(429, "SPEND_LIMIT_REACHED", {
        limit: "5",
        spent: "4.99",
        resets_at: "2026-11-23T00:00:00+00:00",
        requests_limit: null,
      }),
      {
        code: "SPEND_LIMIT_REACHED",
        message,
        limit: "5",
        spent: "4.99",
        resets_at: "2026-11-23T00:00:00+00:00",
      },
    ],
    [
      refused(403, "MODEL_NOT_ALLOWED", { model: "openai:x" }),
      { code: "MODEL_NOT_ALLOWED", message, model: "openai:x" },
    ],
    [refused(400, "INVALID_ARGUMENT"), { code: "INVALID_REQUEST", message }],
  ];
  for (const [answer, expected] of cases) {
    assertEquals(refusalOf(await fakeDataApi(answer).ledger.reserve(RESERVE)), expected);
  }
});

Deno.test("an outage in any form is LedgerUnavailable, and its text holds no URL or connection", async () => {
  const cases: [() => Response | Promise<Response>, string][] = [
    [() => Promise.reject(new TypeError("connect to http://project.test refused")), "network"],
    [() => new Response("upstream db.internal:5432 is down", { status: 502 }), "http 502"],
    [
      () => Response.json({ code: "PGRST002", message: "postgres://u:p@db" }, { status: 503 }),
      "http 503, PGRST002",
    ],
    [
      () => Response.json({ code: "57014", message: "timeout" }, { status: 500 }),
      "http 500, 57014",
    ],
    [refused(418, "TEAPOT"), "http 418, PT418"],
    [() => Response.json({ amount: "1" }), "malformed answer (request_id, output_tokens_reserved"],
    [() => Response.json({ ...RESERVATION, amount: 1 }), "malformed answer (amount)"],
    [() => new Response("", { status: 200 }), "malformed answer (the whole)"],
  ];
  for (const [answer, reason] of cases) {
    const outage = await outageOf(fakeDataApi(answer).ledger.reserve(RESERVE));
    assert(outage.message.includes(`The ledger did not answer reserve: ${reason}`), outage.message);
    assert(!/:\/\/|db\.internal|project/.test(outage.message), outage.message);
    assertEquals(refusalFromOutage(outage)?.code, "LEDGER_UNAVAILABLE");
  }
});

Deno.test("a ledger that does not answer within the timeout is an outage", async () => {
  const { ledger } = fakeDataApi(() => new Promise<Response>(() => {}), 20);
  const keepAlive = setTimeout(() => {}, 5_000); // a signal's timeout alone does not hold the test
  assertEquals((await outageOf(ledger.expire())).reason, "timeout");
  clearTimeout(keepAlive);
});

Deno.test("an error that is no outage has no refusal", () => {
  assertEquals(refusalFromOutage(new TypeError("a bug")), undefined);
});

Deno.test("the catalogue is prices with the house's markup, and a receipt may not be there", async () => {
  const row = { ...RESERVATION.price, price_version: 7, markup_basis_points: 250 };
  const { ledger } = fakeDataApi(() => Response.json([row]));
  const catalogue = valueOf(await ledger.pricingCatalogue());
  assertEquals([catalogue.prices.length, catalogue.markupBasisPoints], [1, 250]);
  const empty = fakeDataApi(() => Response.json(null));
  assertEquals(await empty.ledger.receipt({ userId: USER, requestId: REQUEST }), null);
});

/**
 * Understands a request: its models and their prices, and the bounds that a reservation needs.
 */
import { findPrice } from "../../../shared/credit/find_price.ts";
import { boundJson } from "../../../shared/edge/json_bounds.ts";
import { isRefusal, type Refusal } from "../../../shared/edge/refusal.ts";
import { unpricedFeature } from "../../../shared/llm/beyond_text.ts";
import { FALLBACK_MODELS_MAX } from "../../../shared/llm/dialects/proxy_fields.ts";
import type { Dialect, ModelRequest, RequestTarget } from "../../../shared/llm/dialect.ts";
import type { Price } from "../../../shared/pricing/price.ts";
import { modelName } from "../../../shared/pricing/price.ts";
import type { PriceBook } from "../../../shared/pricing/price_book.ts";

/** A request that can be metered. */
export type ChatCall = {
  request: ModelRequest;
  /** The model that was asked for, then those to fall back to. */
  prices: readonly [Price, ...Price[]];
  /** Upper bound of the prompt, for the model that reads the most into it. */
  inputTokensMax: number;
  inputTokensEstimate: number;
  /** What of the client's own headers goes upstream. */
  clientHeaders: Readonly<Record<string, string>>;
  chatId: string | null;
  idempotencyKey: string | null;
  /** SHA-256 of all that makes the request what it is, in hex; null where no key goes with it. */
  requestHash: string | null;
};

const CHAT_ID_CHARS_MAX = 128;
const IDEMPOTENCY_KEY_CHARS_MAX = 255;
/** Letters, digits and the signs that ids are made of; it is stored and shown. */
const CHAT_ID = /^[\w.:@+/=-]{1,128}$/;

/** Understands a body as a request of the dialect for models that have a price. */
export async function readChatCall(
  headers: Headers,
  text: string,
  target: RequestTarget | undefined,
  dialect: Dialect,
  book: PriceBook,
): Promise<ChatCall | Refusal> {
  const excess = boundJson(text);
  if (excess) return excess;
  const body = parseJson(text);
  if (isRefusal(body)) return body;
  const request = dialect.readRequest(body.value, target);
  if (request.kind === "fault") {
    return {
      code: "INVALID_REQUEST",
      message: request.message,
      ...(request.param !== null && { param: request.param }),
    };
  }
  const ids = readIds(headers, request);
  if (isRefusal(ids)) return ids;
  const fallbackModels = readFallbackModels(headers, request);
  const prices = findPrices(book, [request.model, ...fallbackModels], request);
  if (isRefusal(prices)) return prices;
  const bounds = prices.map((price) => dialect.inputTokensMax(request, price));
  return {
    request,
    prices,
    inputTokensMax: Math.max(...bounds),
    inputTokensEstimate: Math.min(bounds[0]!, dialect.inputTokensEstimate(request, prices[0])),
    clientHeaders: dialect.requestHeaders(headers),
    ...ids,
    requestHash: ids.idempotencyKey === null
      ? null
      : await sha256Hex(JSON.stringify([dialect.name, target, fallbackModels]) + text),
  };
}

function readIds(
  headers: Headers,
  request: ModelRequest,
): Pick<ChatCall, "chatId" | "idempotencyKey"> | Refusal {
  const chatIdHeader = headers.get("x-chat-id")?.trim() || null;
  const chatId = chatIdHeader ?? request.chatId;
  if (chatId !== null && !CHAT_ID.test(chatId)) {
    return {
      code: "INVALID_REQUEST",
      message:
        `A chat id has 1 to ${CHAT_ID_CHARS_MAX} letters, digits or signs of . _ : @ + / = ` +
        "and -. Send one that does, or none.",
      param: chatIdHeader === null ? "chat_id" : "x-chat-id",
    };
  }
  const idempotencyKey = headers.get("idempotency-key")?.trim() ?? null;
  // An empty one is an app's mistake: it believes that its retries are safe.
  const isBad = idempotencyKey === "" ||
    (idempotencyKey?.length ?? 0) > IDEMPOTENCY_KEY_CHARS_MAX;
  if (isBad) {
    return {
      code: "INVALID_REQUEST",
      message:
        `An Idempotency-Key has 1 to ${IDEMPOTENCY_KEY_CHARS_MAX} characters. Send one, or none.`,
      param: "idempotency-key",
    };
  }
  return { chatId, idempotencyKey };
}

/** The alternatives of the body, and those of the header for SDKs whose bodies have no place for it. */
function readFallbackModels(headers: Headers, request: ModelRequest): string[] {
  const named = (headers.get("x-fallback-models") ?? "").split(",").map((name) => name.trim())
    .filter((name) => name !== "");
  return [...request.fallbackModels, ...named];
}

/** The price of each model, every one once. Refuses a model without one, whichever it is. */
function findPrices(
  book: PriceBook,
  models: readonly string[],
  request: ModelRequest,
): [Price, ...Price[]] | Refusal {
  if (models.length > FALLBACK_MODELS_MAX + 1) {
    return {
      code: "INVALID_REQUEST",
      message: `Name at most ${FALLBACK_MODELS_MAX} models to fall back to.`,
      param: "models",
    };
  }
  const prices = new Map<string, Price>();
  for (const name of models) {
    const price = findPrice(book, name);
    if (isRefusal(price)) return price;
    const unpriced = unpricedFeature(request, price);
    if (unpriced !== null) return { code: "INVALID_REQUEST", message: unpriced };
    prices.set(modelName(price), price);
  }
  return [...prices.values()] as [Price, ...Price[]];
}

function parseJson(text: string): { value: unknown } | Refusal {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return {
      code: "INVALID_JSON",
      message: text.trim() === ""
        ? "The body is empty. Send a JSON object."
        : "The body is not valid JSON. Send a JSON object.",
    };
  }
}

async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(
    new Uint8Array(digest),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}

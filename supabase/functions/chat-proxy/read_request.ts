/**
 * Understands a request: its model and price, and the bounds that a reservation needs.
 */
import { findPrice } from "../../../shared/credit/find_price.ts";
import { boundJson } from "../../../shared/edge/json_bounds.ts";
import { isRefusal, type Refusal } from "../../../shared/edge/refusal.ts";
import type { Dialect, ModelRequest } from "../../../shared/llm/dialect.ts";
import type { Price } from "../../../shared/pricing/price.ts";
import type { PriceBook } from "../../../shared/pricing/price_book.ts";

/** A request that can be metered. */
export type ChatCall = {
  request: ModelRequest;
  price: Price;
  inputTokensMax: number;
  inputTokensEstimate: number;
  chatId: string | null;
  idempotencyKey: string | null;
  /** SHA-256 of the body, in hex. */
  requestHash: string;
};

const CHAT_ID_CHARS_MAX = 128;
const IDEMPOTENCY_KEY_CHARS_MAX = 255;
/** Letters, digits and the signs that ids are made of; it is stored and shown. */
const CHAT_ID = /^[\w.:@+/=-]{1,128}$/;

/** Understands a body as a request of the dialect for a model that has a price. */
export async function readChatCall(
  headers: Headers,
  text: string,
  dialect: Dialect,
  book: PriceBook,
): Promise<ChatCall | Refusal> {
  const excess = boundJson(text);
  if (excess) return excess;
  const body = parseJson(text);
  if (isRefusal(body)) return body;
  const request = dialect.readRequest(body.value);
  if (request.kind === "fault") {
    return {
      code: "INVALID_REQUEST",
      message: request.message,
      ...(request.param !== null && { param: request.param }),
    };
  }
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
  const idempotencyKey = headers.get("idempotency-key")?.trim() || null;
  if (
    idempotencyKey !== null && idempotencyKey.length > IDEMPOTENCY_KEY_CHARS_MAX
  ) {
    return {
      code: "INVALID_REQUEST",
      message: `An Idempotency-Key has at most ${IDEMPOTENCY_KEY_CHARS_MAX} characters.`,
      param: "idempotency-key",
    };
  }
  const price = findPrice(book, request.model);
  if (isRefusal(price)) return price;
  const inputTokensMax = dialect.inputTokensMax(request, price);
  return {
    request,
    price,
    inputTokensMax,
    inputTokensEstimate: Math.min(
      inputTokensMax,
      dialect.inputTokensEstimate(request, price),
    ),
    chatId,
    idempotencyKey,
    requestHash: await sha256Hex(text),
  };
}

function parseJson(text: string): { value: unknown } | Refusal {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return {
      code: "INVALID_JSON",
      message: text.trim() === ""
        ? "The body is empty. Send a JSON object with model and messages."
        : "The body is not valid JSON. Send a JSON object with model and messages.",
    };
  }
}

async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest(
    "SHA-256",
    new TextEncoder().encode(text),
  );
  return Array.from(
    new Uint8Array(digest),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}

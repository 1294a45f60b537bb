import type { DialectError, JsonObject } from "../dialect.ts";
import { objectOf, textOf } from "../json_reading.ts";
import type { ProviderError } from "../meter.ts";

/** The last event of a stream. */
export const DONE_EVENT = "data: [DONE]\n\n";

/** The error envelope that OpenAI's SDKs turn into an exception; its class follows the status. */
export function errorBody(error: DialectError): JsonObject {
  return {
    error: {
      message: error.message,
      type: errorType(error.status),
      param: error.param ?? null,
      code: error.code,
    },
  };
}

/**
 * The same as the body of a response, with what those SDKs look for at its top that are made for a
 * provider with its fields there: `@ai-sdk/mistral` wants `object` and a `type`, `@ai-sdk/cerebras` a
 * `param` that is a text. Without them both drop the message and show the status alone.
 */
export function responseBody(error: DialectError): JsonObject {
  return {
    ...errorBody(error),
    object: "error",
    message: error.message,
    type: errorType(error.status),
    param: error.param ?? "",
    code: error.code,
  };
}

/** The same at the end of a stream: SDKs raise it out of the loop over chunks. */
export function errorEvent(error: DialectError): Uint8Array {
  return new TextEncoder().encode(`data: ${JSON.stringify(errorBody(error))}\n\n${DONE_EVENT}`);
}

/** `type` as OpenAI words it. `insufficient_quota` is what its clients already handle as "pay". */
function errorType(status: number): string {
  switch (status) {
    case 401:
      return "authentication_error";
    case 402:
      return "insufficient_quota";
    case 403:
      return "permission_error";
    case 429:
      return "rate_limit_error";
    default:
      return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

/**
 * The error within a body, a chunk or a choice, in any of the shapes that providers use:
 * `{"error":{message,type,code}}`, `{"error":"text"}`, `{"object":"error",message}`, and what has a
 * message, or FastAPI's `detail`, where an answer would have choices.
 */
export function readError(from: JsonObject): ProviderError | null {
  const detail = objectOf(from.error) ?? (from.object === "error" ? from : null);
  if (detail !== null) {
    return {
      message: textOf(detail.message) ?? "The provider gave no message.",
      type: textOf(detail.type),
      code: codeOf(detail.code),
    };
  }
  const isAnswer = from.choices !== undefined || from.usage !== undefined ||
    from.index !== undefined;
  const message = textOf(from.error) ??
    (isAnswer ? null : textOf(from.message) ?? textOfDetail(from.detail));
  return message === null ? null : { message, type: textOf(from.type), code: codeOf(from.code) };
}

/** FastAPI's `detail` is a text (Mistral's 401), or a list of what is wrong with the request (422). */
function textOfDetail(detail: unknown): string | null {
  return Array.isArray(detail) ? JSON.stringify(detail).slice(0, 1000) : textOf(detail);
}

/** OpenRouter's codes are numbers. */
function codeOf(code: unknown): string | null {
  return typeof code === "number" ? String(code) : textOf(code);
}

import type { DialectError, JsonObject } from "../dialect.ts";
import { eventText } from "../event_text.ts";

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
  return new TextEncoder().encode(eventText(errorBody(error)) + DONE_EVENT);
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

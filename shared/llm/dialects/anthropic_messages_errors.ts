import type { DialectError, JsonObject } from "../dialect.ts";
import { eventText } from "../event_text.ts";

/**
 * The error envelope of Anthropic Messages, from which the SDKs make an exception: its class follows
 * the status. `details.error_code` is where `@anthropic-ai/sdk` reads its `errorCode` from.
 */
export function errorBody(error: DialectError): JsonObject {
  return {
    type: "error",
    error: {
      type: errorType(error.status),
      message: error.message,
      details: detailsOf(error),
    },
  };
}

function detailsOf({ code, param }: DialectError): JsonObject {
  // By Anthropic's own code for it the SDK's tool runner goes on without a thread.
  if (param === "thread") {
    return { error_code: "thread_unsupported_request", unsupported: [param], param };
  }
  return { error_code: code, ...(param === undefined || param === null ? {} : { param }) };
}

/** The same at the end of a stream. Anthropic ends a stream with it: no `message_stop` follows. */
export function errorEvent(error: DialectError): Uint8Array {
  return new TextEncoder().encode(eventText(errorBody(error), "error"));
}

/** `type` as Anthropic words it (https://platform.claude.com/docs/en/api/errors). */
function errorType(status: number): string {
  switch (status) {
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 504:
      return "timeout_error";
    case 529:
      return "overloaded_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}

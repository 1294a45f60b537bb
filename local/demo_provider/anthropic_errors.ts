/** Anthropic's error answers. */
import type { ErrorAnswer } from "./dialect.ts";

/** https://platform.claude.com/docs/en/api/errors */
const TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  504: "timeout_error",
  529: "overloaded_error",
};

const MESSAGES: Readonly<Record<number, string>> = {
  401: "invalid x-api-key",
  429: "This request would exceed your organization's rate limit. Please try again later.",
  500: "Internal server error",
  529: "Overloaded",
};

export function anthropicError(status: number, message: string, requestId: string): ErrorAnswer {
  return { status, body: errorBody(status, message, requestId) };
}

/** The failure of a status that a script orders. */
export function orderedAnthropicError(status: number, requestId: string): ErrorAnswer {
  const message = MESSAGES[status] ??
    (status < 500 ? "The demo provider fails, as ordered." : MESSAGES[500]!);
  const error = anthropicError(status, message, requestId);
  if (status === 429) {
    return { ...error, headers: { "retry-after": "1", "x-should-retry": "true" } };
  }
  return status < 500 ? error : { ...error, headers: { "x-should-retry": "true" } };
}

/** The envelope of a body and of `event: error`. */
export function errorBody(
  status: number,
  message: string,
  requestId: string,
): { readonly type: "error" } {
  const type = TYPES[status] ?? (status < 500 ? TYPES[400] : TYPES[500]);
  const body = { type: "error" as const, error: { type, message }, request_id: requestId };
  return body;
}

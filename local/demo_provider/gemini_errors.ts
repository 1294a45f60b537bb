/** Gemini's error answers. */
import type { ErrorAnswer } from "./dialect.ts";

/** https://ai.google.dev/gemini-api/docs/troubleshooting */
const STATUSES: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  500: "INTERNAL",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

const MESSAGES: Readonly<Record<number, string>> = {
  429: "You exceeded your current quota, please check your plan and billing details.",
  500: "An internal error has occurred. Please retry or report in " +
    "https://developers.generativeai.google/guide/troubleshooting",
  503: "The model is overloaded. Please try again later.",
};

export function geminiError(
  status: number,
  message: string,
  details?: readonly unknown[],
): ErrorAnswer {
  const name = STATUSES[status] ?? (status < 500 ? "FAILED_PRECONDITION" : "INTERNAL");
  const error = { code: status, message, status: name };
  return { status, body: { error: details === undefined ? error : { ...error, details } } };
}

export function wrongGeminiKey(): ErrorAnswer {
  return geminiError(400, "API key not valid. Please pass a valid API key.", [{
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    reason: "API_KEY_INVALID",
    domain: "googleapis.com",
    metadata: { service: "generativelanguage.googleapis.com" },
  }]);
}

/** A field that the API does not have, as its JSON reader says it. */
export function unknownName(name: string): ErrorAnswer {
  const description = `Invalid JSON payload received. Unknown name "${name}": Cannot find field.`;
  return geminiError(400, description, [{
    "@type": "type.googleapis.com/google.rpc.BadRequest",
    fieldViolations: [{ description }],
  }]);
}

/**
 * The failure of a status that a script orders. When to try again is in the body.
 * @param retryAfter seconds; a header is sent besides only when a script orders it.
 */
export function orderedGeminiError(status: number, retryAfter?: string | number): ErrorAnswer {
  const message = MESSAGES[status] ??
    (status < 500 ? "The demo provider fails, as ordered." : MESSAGES[500]!);
  return geminiError(
    status,
    message,
    status === 429
      ? [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${retryAfter ?? 1}s` }]
      : undefined,
  );
}

/**
 * OpenAI's error answers, word for word where a client could depend on the words, and the envelopes
 * of those who speak its dialect but not its errors.
 */
import type { ErrorAnswer } from "./dialect.ts";

export interface OpenAiError {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Mistral's list of what is wrong, in place of the message. */
  readonly detail?: unknown;
}

/** Mistral's answer to a parameter that it does not know. */
export function extraForbidden(name: string, input: unknown): OpenAiError {
  const problem = {
    type: "extra_forbidden",
    loc: ["body", name],
    msg: "Extra inputs are not permitted",
    input,
  };
  return {
    ...invalid(`Extra inputs are not permitted: ${name}`),
    status: 422,
    detail: { detail: [problem] },
  };
}

export function invalid(
  message: string,
  param: string | null = null,
  code: string | null = null,
): OpenAiError {
  return { status: 400, message, type: "invalid_request_error", param, code };
}

export function modelNotFound(model: string): OpenAiError {
  return {
    ...invalid(
      `The model \`${model}\` does not exist or you do not have access to it.`,
      null,
      "model_not_found",
    ),
    status: 404,
  };
}

export function missingKey(): OpenAiError {
  return {
    ...invalid(
      "You didn't provide an API key. You need to provide your API key in an Authorization header " +
        "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
    ),
    status: 401,
  };
}

export function wrongKey(key: string): OpenAiError {
  const shown = `${key.slice(0, 3)}${"*".repeat(8)}${key.slice(-4)}`;
  return {
    ...invalid(`Incorrect API key provided: ${shown}.`, null, "invalid_api_key"),
    status: 401,
  };
}

/** The failure of a status that a script orders. */
export function ordered(status: number): OpenAiError {
  if (status === 401) return wrongKey("sk-demo-farebox");
  if (status === 429) {
    return {
      status,
      message: "Rate limit reached for requests. Please try again in 1s.",
      type: "requests",
      param: null,
      code: "rate_limit_exceeded",
      headers: { "retry-after": "1", "retry-after-ms": "1000" },
    };
  }
  if (status < 500) return { ...invalid("The demo provider fails, as ordered."), status };
  return {
    status,
    message: "The server had an error while processing your request. Sorry about that!",
    type: "server_error",
    param: null,
    code: null,
  };
}

/** The error as the provider tells it. */
export function errorAnswer(error: OpenAiError, provider: string): ErrorAnswer {
  const { status, headers } = error;
  const body = envelope(error, provider);
  return headers === undefined ? { status, body } : { status, body, headers };
}

/** The `{"error": …}` of a body or of a frame. */
export function errorBody(error: OpenAiError): unknown {
  const { message, type, param, code } = error;
  return { error: { message, type, param, code } };
}

function envelope(error: OpenAiError, provider: string): unknown {
  const { status, message, type, param, code } = error;
  switch (provider) {
    case "mistral":
      if (status === 401) return { detail: "Invalid API Key" };
      if (status === 422) return { object: "error", message: error.detail, type, param, code };
      return { object: "error", message, type, param, code: code ?? String(status) };
    case "xai":
      return { code: XAI_CODES[status] ?? "The service is currently unavailable", error: message };
    case "openrouter":
      return { error: { message, code: status } };
    case "perplexity":
      return { error: { message, type, code: status } };
    case "groq":
      return { error: { message, type, ...(code === null ? {} : { code }) } };
    case "deepseek":
      return status === 401
        ? {
          error: {
            message: "Authentication Fails, Your api key: ****-key is invalid",
            type: "authentication_error",
            param: null,
            code: "invalid_request_error",
          },
        }
        : errorBody(error);
    case "azure":
      return { error: { code: code ?? String(status), message } };
    case "google":
      // A list of one, as the compatibility layer of Gemini sends it.
      return [{ error: { code: status, message, status: GOOGLE_CODES[status] ?? "INTERNAL" } }];
    default:
      return errorBody(error);
  }
}

const XAI_CODES: Readonly<Record<number, string>> = {
  400: "Client specified an invalid argument",
  401: "Unauthenticated:bad-credentials",
  404: "Some requested entity was not found",
  429: "Some resource has been exhausted",
};

const GOOGLE_CODES: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  503: "UNAVAILABLE",
};

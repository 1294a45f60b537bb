/** OpenAI's error answers, word for word where a client could depend on the words. */

export interface OpenAiError {
  readonly status: number;
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
  readonly headers?: Readonly<Record<string, string>>;
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
export function ordered(status: number, key: string): OpenAiError {
  if (status === 401) return wrongKey(key);
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

/** The `{"error": …}` of a body or of a frame. */
export function errorBody(error: OpenAiError): unknown {
  const { message, type, param, code } = error;
  return { error: { message, type, param, code } };
}

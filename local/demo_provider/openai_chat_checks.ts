/** What OpenAI refuses in a Chat Completions request, in its order and in its words. */
import { isRecord } from "./ask.ts";
import type { DemoModel } from "./models.ts";
import { extraForbidden, invalid, type OpenAiError } from "./openai_errors.ts";

const PARAMETERS = new Set(
  ("messages model audio frequency_penalty function_call functions logit_bias logprobs " +
    "max_completion_tokens max_tokens metadata modalities n parallel_tool_calls prediction " +
    "presence_penalty prompt_cache_key prompt_cache_retention reasoning_effort response_format " +
    "safety_identifier seed service_tier stop store stream stream_options temperature tool_choice " +
    "tools top_logprobs top_p user verbosity web_search_options").split(" "),
);

/** The first thing that is wrong; null when nothing is. */
export function checkChatRequest(
  body: Record<string, unknown>,
  model: DemoModel,
  provider: string,
): OpenAiError | null {
  return checkParameters(body, provider) ?? checkMessages(body.messages) ??
    (provider === "openai" || provider === "azure" ? checkReasoningModel(body, model) : null) ??
    checkLimits(body, model) ?? checkStream(body);
}

function checkParameters(body: Record<string, unknown>, provider: string): OpenAiError | null {
  if (provider === "mistral") {
    const extra = ["stream_options", "max_completion_tokens"].find((name) => name in body);
    if (extra !== undefined) return extraForbidden(extra, body[extra]);
  }
  const unknown = Object.keys(body).find((name) => !PARAMETERS.has(name));
  if (unknown !== undefined) return invalid(`Unrecognized request argument supplied: ${unknown}`);
  if (body.n !== undefined && body.n !== null && body.n !== 1) {
    return invalid("The demo provider gives one answer: n must be 1.", "n", "invalid_value");
  }
  return null;
}

function checkMessages(messages: unknown): OpenAiError | null {
  if (messages === undefined) {
    return invalid(
      "Missing required parameter: 'messages'.",
      "messages",
      "missing_required_parameter",
    );
  }
  if (!Array.isArray(messages)) {
    return invalid(
      `Invalid type for 'messages': expected an array of objects, but got ${typeof messages} instead.`,
      "messages",
      "invalid_type",
    );
  }
  if (messages.length === 0) {
    return invalid(
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty " +
        "array instead.",
      "messages",
      "empty_array",
    );
  }
  const at = messages.findIndex((message) =>
    !isRecord(message) || typeof message.role !== "string"
  );
  if (at !== -1) {
    return invalid(
      `Missing required parameter: 'messages[${at}].role'.`,
      `messages[${at}].role`,
      "missing_required_parameter",
    );
  }
  return null;
}

function checkReasoningModel(
  body: Record<string, unknown>,
  model: DemoModel,
): OpenAiError | null {
  if (model.isOpenAiReasoning && body.max_tokens !== undefined && body.max_tokens !== null) {
    return invalid(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use " +
        "'max_completion_tokens' instead.",
      "max_tokens",
      "unsupported_parameter",
    );
  }
  if (model.isOpenAiReasoning && body.temperature !== undefined && body.temperature !== 1) {
    return invalid(
      `Unsupported value: 'temperature' does not support ${body.temperature} with this model. Only ` +
        "the default (1) value is supported.",
      "temperature",
      "unsupported_value",
    );
  }
  return null;
}

function checkLimits(body: Record<string, unknown>, model: DemoModel): OpenAiError | null {
  for (const name of ["max_tokens", "max_completion_tokens"]) {
    const value = body[name];
    if (value === undefined || value === null) continue;
    if (!Number.isInteger(value)) {
      return invalid(
        `Invalid type for '${name}': expected an integer, but got ${typeof value} instead.`,
        name,
        "invalid_type",
      );
    }
    if (Number(value) < 1) {
      return invalid(
        `Invalid '${name}': integer below minimum value. Expected a value >= 1, but got ${value} instead.`,
        name,
        "integer_below_min_value",
      );
    }
    if (Number(value) > model.outputTokensMax) {
      return invalid(
        `${name} is too large: ${value}. This model supports at most ${model.outputTokensMax} ` +
          `completion tokens, whereas you provided ${value}.`,
        name,
        "invalid_value",
      );
    }
  }
  return null;
}

function checkStream(body: Record<string, unknown>): OpenAiError | null {
  if (body.stream_options !== undefined && body.stream_options !== null && body.stream !== true) {
    return invalid(
      "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
      "stream_options",
    );
  }
  return null;
}

/** Reads a Chat Completions request as strictly as OpenAI does. */
import { type DemoModel, type DemoModels } from "./models.ts";
import { invalid, modelNotFound, type OpenAiError } from "./openai_errors.ts";
import { type DemoScript, readScript, withoutScript } from "./script.ts";
import { countTokens } from "./tokens.ts";

/** What the answer depends on. */
export interface ChatRequest {
  readonly model: DemoModel;
  readonly script: DemoScript;
  /** The last user message, without its script. */
  readonly question: string;
  readonly messages: readonly { readonly text: string; readonly tokens: number }[];
  readonly promptTokens: number;
  readonly isStreamed: boolean;
  readonly includesUsage: boolean;
  readonly isObfuscated: boolean;
  /** Null when the request sets no limit. */
  readonly outputTokensMax: number | null;
  readonly reasoningTokens: number;
  /** Name of the tool to call and its parameters' schema; null to answer in words. */
  readonly tool: { readonly name: string; readonly parameters: unknown } | null;
}

const PARAMETERS = new Set(
  ("messages model audio frequency_penalty function_call functions logit_bias logprobs " +
    "max_completion_tokens max_tokens metadata modalities n parallel_tool_calls prediction " +
    "presence_penalty prompt_cache_key prompt_cache_retention reasoning_effort response_format " +
    "safety_identifier seed service_tier stop store stream stream_options temperature tool_choice " +
    "tools top_logprobs top_p user verbosity web_search_options").split(" "),
);

const EFFORT_TOKENS: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 0,
  low: 64,
  medium: 192,
  high: 512,
};

/** Every message costs a little more than its words, and so does the answer's start. */
const TOKENS_PER_MESSAGE = 3;
const TOKENS_PER_PROMPT = 3;

/** The request, or the error that OpenAI would answer with. */
export function readChatRequest(
  body: unknown,
  models: DemoModels,
  alwaysReportsUsage = false,
): ChatRequest | OpenAiError {
  if (!isRecord(body)) {
    return invalid("We could not parse the JSON body of your request: expected an object.");
  }
  if (typeof body.model !== "string") return invalid("you must provide a model parameter");
  const model = models.find(body.model);
  if (model === undefined) return modelNotFound(body.model);
  const problem = checkParameters(body) ?? checkMessages(body.messages) ??
    checkLimits(body, model) ?? checkStream(body);
  if (problem !== null) return problem;

  const messages = (body.messages as unknown[]).map((message) => ({
    text: JSON.stringify(message),
    tokens: TOKENS_PER_MESSAGE + countTokens(textOf(message)),
  }));
  const asked = textOf(
    (body.messages as unknown[]).findLast((m) => isRecord(m) && m.role === "user"),
  );
  let script: DemoScript;
  try {
    script = readScript(asked);
  } catch (error) {
    return invalid(`The demo provider does not understand its script: ${error}`, "messages");
  }
  const toolTokens = body.tools === undefined ? 0 : countTokens(JSON.stringify(body.tools));
  const promptTokens = script.prompt_tokens ??
    messages.reduce((sum, message) => sum + message.tokens, TOKENS_PER_PROMPT + toolTokens);
  const streamOptions = isRecord(body.stream_options) ? body.stream_options : {};
  return {
    model,
    script,
    question: withoutScript(asked),
    messages,
    promptTokens,
    isStreamed: body.stream === true,
    includesUsage: alwaysReportsUsage || streamOptions.include_usage === true,
    isObfuscated: streamOptions.include_obfuscation !== false,
    outputTokensMax: asNumber(body.max_completion_tokens) ?? asNumber(body.max_tokens),
    reasoningTokens: script.reasoning_tokens ??
      (model.isReasoning ? EFFORT_TOKENS[String(body.reasoning_effort ?? "medium")] ?? 0 : 0),
    tool: chooseTool(body, script, withoutScript(asked)),
  };
}

export function isOpenAiError(value: ChatRequest | OpenAiError): value is OpenAiError {
  return "status" in value;
}

function checkParameters(body: Record<string, unknown>): OpenAiError | null {
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

function checkLimits(body: Record<string, unknown>, model: DemoModel): OpenAiError | null {
  if (model.isReasoning && body.max_tokens !== undefined && body.max_tokens !== null) {
    return invalid(
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use " +
        "'max_completion_tokens' instead.",
      "max_tokens",
      "unsupported_parameter",
    );
  }
  if (model.isReasoning && body.temperature !== undefined && body.temperature !== 1) {
    return invalid(
      `Unsupported value: 'temperature' does not support ${body.temperature} with this model. Only ` +
        "the default (1) value is supported.",
      "temperature",
      "unsupported_value",
    );
  }
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

/** A tool is called when the request forces one, or offers one and the question asks for it. */
function chooseTool(
  body: Record<string, unknown>,
  script: DemoScript,
  question: string,
): ChatRequest["tool"] {
  if (!Array.isArray(body.tools) || script.call_tool === false) return null;
  const tools = body.tools.filter(isRecord).map((tool) => tool.function).filter(isRecord);
  const choice = body.tool_choice;
  if (choice === "none") return null;
  const last = Array.isArray(body.messages) ? body.messages.at(-1) : undefined;
  const isAnswered = isRecord(last) && last.role === "tool";
  const forced = isRecord(choice) && isRecord(choice.function) ? choice.function.name : undefined;
  const named = tools.find((tool) => question.includes(String(tool.name)));
  const isAsked = named !== undefined || /\btools?\b|\bcall\b|\buse\b|weather/i.test(question);
  const isCalled = forced !== undefined || choice === "required" || script.call_tool === true ||
    (isAsked && !isAnswered);
  const tool = tools.find((tool) => tool.name === forced) ?? named ?? tools[0];
  if (!isCalled || tool === undefined) return null;
  return { name: String(tool.name), parameters: tool.parameters };
}

/** The words of a message: its content, string or parts, and what else the model would read. */
function textOf(message: unknown): string {
  if (!isRecord(message)) return "";
  const { content, tool_calls: calls } = message;
  const parts = Array.isArray(content)
    ? content.filter(isRecord).map((part) => String(part.text ?? ""))
    : [typeof content === "string" ? content : ""];
  return parts.join("\n") + (calls === undefined ? "" : JSON.stringify(calls));
}

function asNumber(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

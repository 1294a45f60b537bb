/** Reads a Responses request as strictly as OpenAI does. */
import {
  type Ask,
  type AskedMessage,
  asNumber,
  chooseTool,
  isRecord,
  type OfferedTool,
  readQuestion,
  TOKENS_PER_MESSAGE,
  TOKENS_PER_PROMPT,
  type ToolChoice,
} from "./ask.ts";
import type { DemoModel, DemoModels } from "./models.ts";
import { reasoningTokens } from "./openai_chat_request.ts";
import { invalid, type OpenAiError } from "./openai_errors.ts";
import { countTokens } from "./tokens.ts";

export interface ResponsesRequest {
  readonly ask: Ask;
  /** The body as sent: an answer repeats what was asked. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly isObfuscated: boolean;
}

const PARAMETERS = new Set(
  ("background context_management conversation include input instructions max_output_tokens " +
    "max_tool_calls metadata model parallel_tool_calls previous_response_id prompt prompt_cache_key " +
    "prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options " +
    "temperature text tool_choice tools top_logprobs top_p truncation user").split(" "),
);

/** The least that OpenAI takes for `max_output_tokens`. */
const OUTPUT_TOKENS_MIN = 16;
/** What an earlier response is taken to have had: the demo provider remembers none. */
const EARLIER_TOKENS = 1_000;

/** The request, or the error that the provider would answer with. */
export function readResponsesRequest(
  body: unknown,
  models: DemoModels,
  provider: string,
): ResponsesRequest | OpenAiError {
  if (!isRecord(body)) {
    return invalid("We could not parse the JSON body of your request: expected an object.");
  }
  if (typeof body.model !== "string") {
    return missing("model");
  }
  const model = models.find(body.model);
  if (model === undefined) {
    return invalid(
      `The requested model '${body.model}' does not exist.`,
      "model",
      "model_not_found",
    );
  }
  const problem = checkParameters(body) ?? checkInput(body) ?? checkLimit(body, model) ??
    (provider === "openai" || provider === "azure" ? checkOpenAi(body, model) : null);
  if (problem !== null) return problem;

  const items: unknown[] = typeof body.input === "string"
    ? [{ role: "user", content: body.input }]
    : body.input as unknown[];
  const read = readQuestion(
    textOf(items.findLast((item) => isRecord(item) && item.role === "user")),
  );
  if ("problem" in read) return invalid(read.problem, "input");
  const { script, question } = read;
  const messages = promptOf(body, items);
  const earlier = typeof body.previous_response_id === "string" ? EARLIER_TOKENS : 0;
  const reasoning = isRecord(body.reasoning) ? body.reasoning : {};
  const streamOptions = isRecord(body.stream_options) ? body.stream_options : {};
  return {
    ask: {
      model,
      script,
      question,
      messages,
      promptTokens: script.prompt_tokens ??
        messages.reduce((sum, message) => sum + message.tokens, TOKENS_PER_PROMPT + earlier),
      isStreamed: body.stream === true,
      outputTokensMax: asNumber(body.max_output_tokens),
      reasoningTokens: script.reasoning_tokens ??
        reasoningTokens(model, reasoning.effort ?? undefined),
      // Only a summary is ever shown.
      showsReasoning: typeof (reasoning.summary ?? reasoning.generate_summary) === "string",
      toolCall: chooseTool(readTools(body, items), script, question),
    },
    body,
    isObfuscated: streamOptions.include_obfuscation !== false,
  };
}

export function isOpenAiError(read: ResponsesRequest | OpenAiError): read is OpenAiError {
  return "status" in read;
}

function missing(name: string): OpenAiError {
  return invalid(`Missing required parameter: '${name}'.`, name, "missing_required_parameter");
}

function checkParameters(body: Record<string, unknown>): OpenAiError | null {
  const unknown = Object.keys(body).find((name) => !PARAMETERS.has(name));
  return unknown === undefined
    ? null
    : invalid(`Unknown parameter: '${unknown}'.`, unknown, "unknown_parameter");
}

function checkInput({ input, previous_response_id: earlier }: Record<string, unknown>) {
  if (input === undefined) return missing("input");
  if (typeof input !== "string" && !Array.isArray(input)) {
    return invalid(
      "Invalid type for 'input': expected one of a string or an array of input items.",
      "input",
      "invalid_type",
    );
  }
  if (typeof earlier === "string" && !earlier.startsWith("resp_")) {
    return invalid(
      `Previous response with id '${earlier}' not found.`,
      "previous_response_id",
      "previous_response_not_found",
    );
  }
  return null;
}

function checkLimit(body: Record<string, unknown>, model: DemoModel): OpenAiError | null {
  const limit = body.max_output_tokens;
  if (limit === undefined || limit === null) return null;
  if (!Number.isInteger(limit)) {
    return invalid(
      `Invalid type for 'max_output_tokens': expected an integer, but got ${typeof limit} instead.`,
      "max_output_tokens",
      "invalid_type",
    );
  }
  return Number(limit) <= model.outputTokensMax ? null : invalid(
    `Invalid 'max_output_tokens': integer above maximum value. Expected a value <= ` +
      `${model.outputTokensMax}, but got ${limit} instead.`,
    "max_output_tokens",
    "integer_above_max_value",
  );
}

/** What OpenAI itself is picky about, and those who speak its dialect are not. */
function checkOpenAi(body: Record<string, unknown>, model: DemoModel): OpenAiError | null {
  const { max_output_tokens: limit, temperature } = body;
  if (typeof limit === "number" && limit < OUTPUT_TOKENS_MIN) {
    return invalid(
      `Invalid 'max_output_tokens': integer below minimum value. Expected a value >= ` +
        `${OUTPUT_TOKENS_MIN}, but got ${limit} instead.`,
      "max_output_tokens",
      "integer_below_min_value",
    );
  }
  if (model.isOpenAiReasoning && temperature !== undefined && temperature !== null) {
    return invalid(
      "Unsupported parameter: 'temperature' is not supported with this model.",
      "temperature",
    );
  }
  return null;
}

function promptOf(body: Record<string, unknown>, items: readonly unknown[]): AskedMessage[] {
  const parts = [body.tools, body.instructions].filter((part) =>
    part !== undefined && part !== null
  ).map((part) => ({
    text: JSON.stringify(part),
    tokens: countTokens(typeof part === "string" ? part : JSON.stringify(part)),
  }));
  return [
    ...parts,
    ...items.map((item) => ({
      text: JSON.stringify(item),
      tokens: TOKENS_PER_MESSAGE + countTokens(textOf(item)),
    })),
  ];
}

function readTools(body: Record<string, unknown>, items: readonly unknown[]): ToolChoice {
  const tools = Array.isArray(body.tools) ? body.tools.filter(isRecord) : [];
  const choice = body.tool_choice;
  const last = items.at(-1);
  return {
    tools: tools.filter((tool) => tool.type === "function").map((tool): OfferedTool => ({
      name: String(tool.name),
      parameters: tool.parameters,
    })),
    mode: isRecord(choice) && choice.type === "function"
      ? { named: String(choice.name) }
      : choice === "none"
      ? "none"
      : choice === "required"
      ? "any"
      : "auto",
    isAnswered: isRecord(last) && last.type === "function_call_output",
  };
}

/** The words of an item: its content, string or parts, or what a call had and gave. */
function textOf(item: unknown): string {
  if (!isRecord(item)) return "";
  if (typeof item.content === "string") return item.content;
  if (!Array.isArray(item.content)) return JSON.stringify(item);
  return item.content.filter(isRecord).map((part) => String(part.text ?? "")).join("\n");
}

/** Reads a Chat Completions request as strictly as its provider does. */
import {
  type Ask,
  asNumber,
  chooseTool,
  EFFORT_TOKENS,
  isRecord,
  type OfferedTool,
  readQuestion,
  TOKENS_PER_MESSAGE,
  TOKENS_PER_PROMPT,
  type ToolChoice,
} from "./ask.ts";
import type { DemoModel, DemoModels } from "./models.ts";
import { checkChatRequest } from "./openai_chat_checks.ts";
import { invalid, modelNotFound, type OpenAiError } from "./openai_errors.ts";
import { countTokens } from "./tokens.ts";

/** What the answer depends on. */
export interface ChatRequest {
  readonly ask: Ask;
  /** True when the request asks for usage in the stream. */
  readonly includesUsage: boolean;
  readonly isObfuscated: boolean;
}

/** The request, or the error that the provider would answer with. */
export function readChatRequest(
  body: unknown,
  models: DemoModels,
  provider: string,
): ChatRequest | OpenAiError {
  if (!isRecord(body)) {
    return invalid("We could not parse the JSON body of your request: expected an object.");
  }
  if (typeof body.model !== "string") return invalid("you must provide a model parameter");
  const model = models.find(body.model);
  if (model === undefined) return modelNotFound(body.model);
  const problem = checkChatRequest(body, model, provider);
  if (problem !== null) return problem;

  const list = body.messages as unknown[];
  const messages = list.map((message) => ({
    text: JSON.stringify(message),
    tokens: TOKENS_PER_MESSAGE + countTokens(textOf(message)),
  }));
  const read = readQuestion(textOf(list.findLast((m) => isRecord(m) && m.role === "user")));
  if ("problem" in read) return invalid(read.problem, "messages");
  const { script, question } = read;
  const toolTokens = body.tools === undefined ? 0 : countTokens(JSON.stringify(body.tools));
  const streamOptions = isRecord(body.stream_options) ? body.stream_options : {};
  return {
    ask: {
      model,
      script,
      question,
      messages,
      promptTokens: script.prompt_tokens ??
        messages.reduce((sum, message) => sum + message.tokens, TOKENS_PER_PROMPT + toolTokens),
      isStreamed: body.stream === true,
      outputTokensMax: asNumber(body.max_completion_tokens) ?? asNumber(body.max_tokens),
      reasoningTokens: script.reasoning_tokens ?? reasoningTokens(model, body.reasoning_effort),
      showsReasoning: model.showsReasoning,
      toolCall: chooseTool(readTools(body), script, question),
    },
    includesUsage: streamOptions.include_usage === true,
    isObfuscated: streamOptions.include_obfuscation !== false,
  };
}

export function isOpenAiError(value: ChatRequest | OpenAiError): value is OpenAiError {
  return "status" in value;
}

/** Output tokens that the model thinks first, by the effort asked for. */
export function reasoningTokens(model: DemoModel, effort: unknown): number {
  if (model.thinking === "always") return EFFORT_TOKENS[String(effort ?? "medium")] ?? 0;
  if (model.thinking === "never" || effort === undefined || effort === null) return 0;
  return EFFORT_TOKENS[String(effort)] ?? 0;
}

function readTools(body: Record<string, unknown>): ToolChoice {
  const tools = Array.isArray(body.tools)
    ? body.tools.filter(isRecord).map((tool) => tool.function).filter(isRecord)
    : [];
  const choice = body.tool_choice;
  const last = Array.isArray(body.messages) ? body.messages.at(-1) : undefined;
  return {
    tools: tools.map((tool): OfferedTool => ({
      name: String(tool.name),
      parameters: tool.parameters,
    })),
    mode: isRecord(choice) && isRecord(choice.function)
      ? { named: String(choice.function.name) }
      : choice === "none"
      ? "none"
      : choice === "required" || choice === "any"
      ? "any"
      : "auto",
    isAnswered: isRecord(last) && last.role === "tool",
  };
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

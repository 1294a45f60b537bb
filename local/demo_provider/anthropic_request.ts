/** Reads a Messages request as strictly as Anthropic does. */
import {
  type Ask,
  type AskedMessage,
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
import { countTokens } from "./tokens.ts";

export interface MessagesRequest {
  readonly ask: Ask;
  /** Up to which message the prompt is to be cached, and for how long; null when it is not asked. */
  readonly cache: { readonly messages: readonly AskedMessage[]; readonly ttl: "5m" | "1h" } | null;
}

/** What Anthropic says is wrong. */
export interface MessagesFault {
  readonly status: number;
  readonly message: string;
}

const PARAMETERS = new Set(
  ("model messages max_tokens system stream temperature top_p top_k stop_sequences tools tool_choice " +
    "thinking metadata service_tier container mcp_servers context_management cache_control " +
    "output_config output_format inference_geo speed").split(" "),
);

/** The least that a thinking budget may be. */
const BUDGET_MIN = 1_024;

export function readMessagesRequest(
  body: unknown,
  models: DemoModels,
): MessagesRequest | MessagesFault {
  if (!isRecord(body)) return invalid("Input should be a valid dictionary");
  const missing = ["model", "messages", "max_tokens"].find((name) => body[name] === undefined);
  if (missing !== undefined) return invalid(`${missing}: Field required`);
  const extra = Object.keys(body).find((name) => !PARAMETERS.has(name));
  if (extra !== undefined) return invalid(`${extra}: Extra inputs are not permitted`);
  if (typeof body.model !== "string") return invalid("model: Input should be a valid string");
  const model = models.find(body.model);
  if (model === undefined) return { status: 404, message: `model: ${body.model}` };
  const problem = checkMessages(body.messages) ?? checkLimit(body.max_tokens, model) ??
    checkThinking(body);
  if (problem !== null) return invalid(problem);

  const list = body.messages as unknown[];
  const read = readQuestion(
    list.filter((message) => isRecord(message) && message.role === "user")
      .map(wordsOf).findLast((words) => words !== "") ?? "",
  );
  if ("problem" in read) return invalid(`messages: ${read.problem}`);
  const { script, question } = read;
  const messages = promptOf(body);
  return {
    ask: {
      model,
      script,
      question,
      messages,
      promptTokens: script.prompt_tokens ??
        messages.reduce((sum, message) => sum + message.tokens, TOKENS_PER_PROMPT),
      isStreamed: body.stream === true,
      outputTokensMax: asNumber(body.max_tokens),
      reasoningTokens: script.reasoning_tokens ?? thinkingTokens(body),
      showsReasoning: !(isRecord(body.thinking) && body.thinking.display === "omitted"),
      toolCall: chooseTool(readTools(body), script, question),
    },
    cache: readCache(body, messages),
  };
}

export function isFault(read: MessagesRequest | MessagesFault): read is MessagesFault {
  return "status" in read;
}

function invalid(message: string): MessagesFault {
  return { status: 400, message };
}

function checkMessages(messages: unknown): string | null {
  if (!Array.isArray(messages)) return "messages: Input should be a valid list";
  if (messages.length === 0) return "messages: at least one message is required";
  for (const [i, message] of messages.entries()) {
    if (!isRecord(message)) return `messages.${i}: Input should be an object`;
    if (message.role === "system") {
      return 'messages: Unexpected role "system". The Messages API accepts a top-level `system` ' +
        'parameter, not "system" as an input message role.';
    }
    if (message.role !== "user" && message.role !== "assistant") {
      return `messages.${i}.role: Input should be 'user' or 'assistant'`;
    }
    if (message.content === undefined) return `messages.${i}.content: Field required`;
  }
  return null;
}

function checkLimit(limit: unknown, model: DemoModel): string | null {
  if (!Number.isInteger(limit)) return "max_tokens: Input should be a valid integer";
  if (Number(limit) < 1) return "max_tokens: must be greater than or equal to 1";
  return Number(limit) <= model.outputTokensMax
    ? null
    : `max_tokens: ${limit} > ${model.outputTokensMax}, which is the maximum allowed number of ` +
      `output tokens for ${model.snapshot}`;
}

function checkThinking({ thinking, max_tokens: limit }: Record<string, unknown>): string | null {
  if (!isRecord(thinking) || thinking.type !== "enabled") return null;
  const budget = asNumber(thinking.budget_tokens);
  if (budget === null) return "thinking.enabled.budget_tokens: Field required";
  if (budget < BUDGET_MIN) {
    return `thinking.enabled.budget_tokens: Input should be greater than or equal to ${BUDGET_MIN}`;
  }
  return budget < Number(limit)
    ? null
    : "`max_tokens` must be greater than `thinking.budget_tokens`.";
}

/** Thinking is off unless the request asks for it. */
function thinkingTokens({ thinking, output_config: config }: Record<string, unknown>): number {
  if (!isRecord(thinking) || thinking.type === "disabled") return 0;
  const effort = isRecord(config) ? String(config.effort) : "medium";
  const wanted = EFFORT_TOKENS[effort] ?? EFFORT_TOKENS.medium!;
  return Math.min(wanted, asNumber(thinking.budget_tokens) ?? Infinity);
}

/** The prompt in the order in which it is cached: tools, system, messages. */
function promptOf(body: Record<string, unknown>): AskedMessage[] {
  const parts = [body.tools, body.system].filter((part) => part !== undefined).map((part) => ({
    text: JSON.stringify(part),
    tokens: countTokens(typeof part === "string" ? part : JSON.stringify(part)),
  }));
  const messages = (body.messages as unknown[]).map((message) => ({
    // What is cached is the content, wherever the mark for it stands.
    text: JSON.stringify(message, (key, value) => key === "cache_control" ? undefined : value),
    tokens: TOKENS_PER_MESSAGE + countTokens(textOf(message)),
  }));
  return [...parts, ...messages];
}

/** The last mark counts: everything before it is one prefix. */
function readCache(
  body: Record<string, unknown>,
  messages: readonly AskedMessage[],
): MessagesRequest["cache"] {
  const parts = [
    ...[body.tools, body.system].filter((part) => part !== undefined),
    ...(body.messages as unknown[]),
  ].map((part) => JSON.stringify(part));
  const marked = isRecord(body.cache_control)
    ? parts.length - 1
    : parts.findLastIndex((part) => part.includes('"cache_control":{'));
  if (marked === -1) return null;
  const mark = isRecord(body.cache_control)
    ? JSON.stringify(body.cache_control)
    : parts[marked]!.slice(parts[marked]!.lastIndexOf('"cache_control":{'));
  return {
    messages: messages.slice(0, marked + 1),
    ttl: /^[^}]*"ttl":"1h"/.test(mark) ? "1h" : "5m",
  };
}

function readTools(body: Record<string, unknown>): ToolChoice {
  const tools = Array.isArray(body.tools) ? body.tools.filter(isRecord) : [];
  const choice = isRecord(body.tool_choice) ? body.tool_choice : {};
  const last = Array.isArray(body.messages) ? body.messages.at(-1) : undefined;
  return {
    tools: tools.filter((tool) => "input_schema" in tool).map((tool): OfferedTool => ({
      name: String(tool.name),
      parameters: tool.input_schema,
    })),
    mode: choice.type === "tool"
      ? { named: String(choice.name) }
      : choice.type === "any" || choice.type === "none"
      ? choice.type
      : "auto",
    isAnswered: isRecord(last) && blocksOf(last).some((block) => block.type === "tool_result"),
  };
}

function blocksOf(message: Record<string, unknown>): Record<string, unknown>[] {
  return Array.isArray(message.content) ? message.content.filter(isRecord) : [];
}

/** What a user wrote, without results of tools. */
function wordsOf(message: unknown): string {
  if (!isRecord(message)) return "";
  if (typeof message.content === "string") return message.content;
  return blocksOf(message).filter((block) => block.type === "text")
    .map((block) => String(block.text ?? "")).join("\n");
}

/** All that the model reads of a message. */
function textOf(message: unknown): string {
  if (!isRecord(message) || typeof message.content === "string") return wordsOf(message);
  return blocksOf(message)
    .map((block) => block.type === "text" ? String(block.text ?? "") : JSON.stringify(block))
    .join("\n");
}

/** Reads the body of a chat of whatever API, as chat-proxy would at that API's path. */
import type { Refusal } from "../../../shared/edge/refusal.ts";
import type {
  Dialect,
  DialectName,
  JsonObject,
  ModelRequest,
  RequestFault,
} from "../../../shared/llm/dialect.ts";

/** The part of a dialect that bounds a prompt. */
export type PromptReader = Pick<
  Dialect,
  "readRequest" | "inputTokensMax" | "inputTokensEstimate"
>;

/** Every API's by its name, loaded when a body is in its words. */
export type PromptReaders = ReadonlyMap<DialectName, () => Promise<PromptReader>>;

/** A request, and whose words it is in. */
export type ReadPrompt = { request: ModelRequest; prompts: PromptReader };

/** Reads a body whose model is `model`; refuses what no API takes. */
export async function readPrompt(
  body: JsonObject,
  model: string,
  readers: PromptReaders,
): Promise<ReadPrompt | Refusal> {
  let first: RequestFault | undefined;
  for (const name of dialectsOf(body)) {
    const prompts = await readers.get(name)?.();
    // Gemini's model is in its path; a body for an estimate names it.
    const target = name === "gemini" ? { model, stream: false } : undefined;
    const request = prompts?.readRequest(body, target);
    if (prompts === undefined || request === undefined) continue;
    if (request.kind === "request") return { request, prompts };
    first ??= request;
  }
  return {
    code: "INVALID_REQUEST",
    message: first?.message ??
      "Send what the request will have: messages, input or contents; or input_tokens.",
    param: first === undefined ? "messages" : first.param ?? "messages",
  };
}

/** Whose body it may be, the likelier first: two APIs call a prompt `messages`. */
function dialectsOf(body: JsonObject): DialectName[] {
  if ("messages" in body) {
    return isLikeAnthropic(body)
      ? ["anthropic-messages", "openai-chat"]
      : ["openai-chat", "anthropic-messages"];
  }
  if ("input" in body) return ["openai-responses"];
  return "contents" in body ? ["gemini"] : [];
}

/** Whether it has what only Anthropic's bodies have. */
function isLikeAnthropic({ system, thinking, stop_sequences, tools, messages }: JsonObject) {
  return system !== undefined || thinking !== undefined || stop_sequences !== undefined ||
    listOf(tools).some(isAnthropicTool) ||
    listOf(messages).some((message) => listOf(message.content).some(isAnthropicBlock));
}

const BLOCKS: readonly unknown[] = ["image", "document", "tool_use", "tool_result"];

function isAnthropicBlock(block: JsonObject): boolean {
  return BLOCKS.includes(block.type);
}

function isAnthropicTool(tool: JsonObject): boolean {
  // A tool that the provider runs has a date: `web_search_20250305`.
  return "input_schema" in tool || /_\d{8}$/.test(String(tool.type));
}

/** The objects of a list; none where it is no list. */
function listOf(value: unknown): JsonObject[] {
  const items: unknown[] = Array.isArray(value) ? value : [];
  return items.filter((item): item is JsonObject => typeof item === "object" && item !== null);
}

import type { InputLimits, JsonObject, ModelRequest } from "../dialect.ts";
import { estimatePrompt } from "../input_estimate.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";
import { boundPrompt, CONTEXT_TOKENS_DEFAULT, valuesBeside } from "../token_bounds.ts";
import { claudeTokens } from "./anthropic_messages_output.ts";
import { readTools, toolOverheadTokens } from "./anthropic_messages_tools.ts";

/** Instructions that come with any tool. Documented: 313 to 530 tokens. */
const TOOLS_OVERHEAD_TOKENS = 600;
/** Search results are sent back encrypted. In recorded chats a token of them is 2.74 characters. */
const ENCRYPTED_CHARS_PER_TOKEN = 2.74;
/**
 * After so many rounds of tools at the provider it pauses the turn (`pause_turn`, also recorded), and
 * a client asks anew. Several uses in a round are read together.
 */
const SERVER_ROUNDS_MAX = 10;
/** Where the API begins to compact unless told otherwise. */
const COMPACTION_TRIGGER_DEFAULT = 150_000;

/** Fields of the body that never reach the model, so that a long one costs nothing. */
const NOT_PROMPT = new Set([
  ...["model", "models", "chat_id", "stream", "max_tokens", "temperature", "top_p", "top_k"],
  "metadata",
  ...["stop_sequences", "service_tier", "thinking", "cache_control", "diagnostics"],
]);

/** Blocks that are text and JSON throughout: counted as what they say. */
const TEXT_BLOCKS: ReadonlySet<unknown> = new Set([
  ...["text", "thinking", "redacted_thinking", "compaction", "fallback", "search_result"],
  ...["tool_use", "server_tool_use", "mcp_tool_use", "tool_result", "mcp_tool_result"],
  ...["tool_reference", "tool_removal", "tool_addition", "mcp_tool_listing"],
  ...["web_search_tool_result", "code_execution_tool_result", "bash_code_execution_tool_result"],
  ...["text_editor_code_execution_tool_result", "tool_search_tool_result", "advisor_tool_result"],
  ...["web_search_result", "browser_state"],
]);

/** What a prompt holds, as far as it can be seen from here. */
export interface PromptBlocks {
  /** All content blocks, nested ones included. */
  readonly blocks: readonly JsonObject[];
  readonly images: ReadonlyMap<unknown, string>;
  /** True where a block holds what cannot be counted: a file, a PDF, a page, what is not known. */
  readonly hidesInput: boolean;
}

/** Finds the content blocks of all messages and of the system prompt. */
export function readBlocks(body: JsonObject): PromptBlocks {
  const contents = [
    body.system,
    ...arrayOf(body.messages).map((message) => objectOf(message)?.content),
  ];
  // A stack of our own, last first, so that blocks come out in their order.
  const pending = contents.flatMap(arrayOf).toReversed();
  const blocks: JsonObject[] = [];
  const images = new Map<unknown, string>();
  let hidesInput = false;
  while (pending.length > 0) {
    const block = objectOf(pending.pop());
    if (block === null) continue;
    blocks.push(block);
    if (block.type === "image") images.set(block, "source");
    else if (block.type === "document") {
      const source = objectOf(block.source);
      if (source?.type === "content") pending.push(...arrayOf(source.content).toReversed());
      else if (source?.type !== "text") hidesInput = true;
    } else if (block.type === "web_fetch_tool_result") {
      pending.push(objectOf(block.content)?.content); // A document, or an error.
    } else if (TEXT_BLOCKS.has(block.type)) pending.push(...arrayOf(block.content).toReversed());
    else hidesInput = true;
  }
  return { blocks, images, hidesInput };
}

/**
 * Upper bound of the prompt, all readings of it together: each use of a tool at the provider makes
 * the model read it again, with what was found, and so does a compaction.
 */
export function inputTokensMax({ body }: ModelRequest, limits: InputLimits): number {
  const contextTokens = limits.maxInputTokens ?? CONTEXT_TOKENS_DEFAULT;
  const { images, hidesInput } = readBlocks(body);
  const tools = readTools(body.tools);
  const uses = tools.kind === "uses" ? tools.webSearchesMax + tools.webFetchesMax : 0;
  const rounds = Math.min(uses, SERVER_ROUNDS_MAX);
  const bound = boundPrompt({
    values: valuesBeside(body, NOT_PROMPT),
    messages: arrayOf(body.messages).length,
    images,
    hidesInput,
    webSearchesMax: rounds,
  }, limits);
  const isWhole = uses > 0 || hidesInput;
  const once = isWhole ? contextTokens : Math.min(bound + toolsOverhead(body), contextTokens);
  return (isWhole ? bound : once) + (once >= compactionTrigger(body) ? once : 0);
}

/** Fair estimate of the prompt, read once. */
export function inputTokensEstimate({ body }: ModelRequest, limits: InputLimits): number {
  const { blocks, images } = readBlocks(body);
  const texts: string[] = [];
  let encryptedChars = 0;
  const messages = arrayOf(body.messages).map(objectOf);
  for (const content of [body.system, ...messages.map((message) => message?.content)]) {
    if (typeof content === "string") texts.push(content);
  }
  for (const block of blocks) {
    const encrypted = block.encrypted_content ?? block.data;
    if (typeof encrypted === "string") encryptedChars += encrypted.length;
    texts.push(...textsOf(block));
  }
  if (body.tools !== undefined) texts.push(JSON.stringify(body.tools));
  const format = objectOf(body.output_config)?.format ?? body.output_format;
  if (format !== undefined) texts.push(JSON.stringify(format));
  // Half of the bounds: what Anthropic documents for common tools.
  const overhead = Math.ceil(toolsOverhead(body) / 2);
  const prompt = { texts, messages: messages.length, images: images.size };
  return claudeTokens(estimatePrompt(prompt, limits)) +
    Math.ceil(encryptedChars / ENCRYPTED_CHARS_PER_TOKEN) + overhead;
}

/** What the model reads as text in a block, the blocks within it aside. */
function textsOf(block: JsonObject): string[] {
  const source = objectOf(block.source);
  const texts = [block.text, block.thinking, block.title, block.url, block.name];
  if (typeof block.content === "string") texts.push(block.content);
  if (source !== null && source.type !== "base64") texts.push(source.data, source.content);
  else texts.push(block.source); // Of a search result: its address.
  const found = texts.map(textOf).filter((text) => text !== null);
  if (objectOf(block.input) !== null) found.push(JSON.stringify(block.input));
  // What ran at the provider returns an object; a page in it is a block of its own.
  if (objectOf(block.content) !== null && block.type !== "web_fetch_tool_result") {
    found.push(JSON.stringify(block.content));
  }
  return found;
}

function toolsOverhead(body: JsonObject): number {
  const tools = arrayOf(body.tools).map(objectOf).filter((tool) => tool !== null);
  if (tools.length === 0) return 0;
  return tools.reduce((sum, tool) => sum + toolOverheadTokens(tool), TOOLS_OVERHEAD_TOKENS);
}

/**
 * From how many tokens on the provider summarises the prompt first, for which it reads it once more;
 * `Infinity` where it was not asked to. The summary's own tokens fit into the second reading, which
 * has no more left of the prompt than the summary.
 */
function compactionTrigger(body: JsonObject): number {
  if (objectOf(body.compaction) !== null) return 0;
  const edits = arrayOf(objectOf(body.context_management)?.edits).map(objectOf);
  const triggers = edits.filter((edit) => String(edit?.type).startsWith("compact")).map((edit) => {
    const value = objectOf(edit?.trigger)?.value;
    if (value === undefined) return COMPACTION_TRIGGER_DEFAULT;
    return typeof value === "number" ? value : 0;
  });
  return triggers.length === 0 ? Infinity : Math.min(...triggers);
}

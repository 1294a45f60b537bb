import type {
  JsonObject,
  ModelRequest,
  RequestChange,
  RequestFault,
  UpstreamRequest,
} from "../dialect.ts";
import { arrayOf, objectOf } from "../json_reading.ts";
import { readBlocks } from "./anthropic_messages_prompt.ts";
import { adaptThinking, readThinking } from "./anthropic_messages_thinking.ts";
import { isClientTool, readTools } from "./anthropic_messages_tools.ts";
import { checkUnmetered, UNMETERED_FIELDS } from "./anthropic_messages_unmetered.ts";
import { checkSpelling, checkSpellings, type Spellings, spellingsOf } from "./field_spelling.ts";
import { namesFile, PART_FIELDS, WHY_NO_FILES } from "./house_files.ts";
import { bodyFor, PROXY_FIELDS, readProxyFields } from "./proxy_fields.ts";
import {
  checkFlag,
  checkLength,
  fault,
  isFault,
  isPresent,
  readOutputLimit,
} from "./request_checks.ts";

/** What is read, checked or changed here; a new check belongs into these lists too. */
const FIELDS = spellingsOf([
  ...PROXY_FIELDS,
  ...UNMETERED_FIELDS.map(({ name }) => name),
  ...["messages", "system", "max_tokens", "stream", "tools", "thinking"],
  ...["context_management", "compaction", "output_config", "output_format"],
]);
const MESSAGE_FIELDS = spellingsOf(["role", "content"]);
const BLOCK_FIELDS: Spellings = new Map([
  ...PART_FIELDS,
  ...spellingsOf(["content", "tool", "tool_changes"]),
]);

/** Checks a parsed body of Anthropic Messages. Only what metering needs: the provider checks the rest. */
export function readRequest(parsed: unknown): ModelRequest | RequestFault {
  const read = readProxyFields(parsed, FIELDS);
  if (isFault(read)) return read;
  const { body } = read;
  const limit = readOutputLimit(body.max_tokens, "max_tokens");
  if (limit === null) return fault("Set max_tokens: the API wants a limit.", "max_tokens");
  if (isFault(limit)) return limit;
  const problem = checkMessages(body.messages) ?? checkSystem(body.system) ??
    checkFlag(body.stream, "stream") ?? checkUnmetered(body) ??
    checkContextManagement(body.context_management);
  if (problem !== null) return problem;
  const uses = readTools(body.tools);
  if (isFault(uses)) return uses;
  const prompt = readBlocks(body);
  const smuggled = checkBlockSpelling(prompt.blocks) ?? checkToolAdditions(prompt.blocks) ??
    checkFiles(prompt.blocks);
  if (smuggled !== null) return smuggled;
  const thinking = readThinking(body.thinking);
  if (isFault(thinking)) return thinking;
  return {
    kind: "request",
    body,
    model: read.model,
    stream: body.stream === true,
    outputTokensLimit: limit,
    wantsUsage: true, // It is in every stream.
    chatId: read.chatId,
    fallbackModels: read.fallbackModels,
    features: uses.webSearchesMax > 0 ? ["web_search"] : [],
    webSearchesMax: uses.webSearchesMax,
    // What is searched and fetched is input too.
    hidesInput: prompt.hidesInput || uses.webSearchesMax + uses.webFetchesMax > 0,
    hidesOutput: thinking,
  };
}

/** Changes what the proxy must change; every other field goes upstream as it was sent. */
export function rewriteRequest(request: ModelRequest, change: RequestChange): UpstreamRequest {
  const body = bodyFor(change.model, request.body);
  const limit = change.outputTokensLimit;
  if (limit !== null) {
    const isLowered = limit < (request.outputTokensLimit ?? Infinity);
    Object.assign(body, { max_tokens: limit }, isLowered ? adaptThinking(request, limit) : {});
  }
  return { body, withholdUsage: false, pathSuffix: "" };
}

function checkMessages(messages: unknown): RequestFault | null {
  if (!Array.isArray(messages) || messages.length === 0) {
    return fault("Send at least one message.", "messages");
  }
  const excess = checkLength(messages, "messages", "messages");
  if (excess !== null) return excess;
  const misspelt = checkSpellings(messages, MESSAGE_FIELDS, "messages");
  if (misspelt !== null) return misspelt;
  for (const [index, item] of (messages as readonly unknown[]).entries()) {
    const message = objectOf(item);
    if (typeof message?.role !== "string") {
      return fault("Each message must be an object with a role.", `messages[${index}]`);
    }
    const problem = checkContent(message.content, `messages[${index}].content`);
    if (problem !== null) return problem;
  }
  return null;
}

function checkSystem(system: unknown): RequestFault | null {
  return isPresent(system) ? checkContent(system, "system") : null;
}

function checkContent(content: unknown, param: string): RequestFault | null {
  if (typeof content === "string") return null;
  if (!Array.isArray(content)) return fault("Content must be text or a list of blocks.", param);
  for (const [index, block] of (content as readonly unknown[]).entries()) {
    if (typeof objectOf(block)?.type !== "string") {
      return fault("Each block must be an object with a type.", `${param}[${index}]`);
    }
  }
  return null;
}

/** Clearing makes the prompt shorter; compacting is bounded as one more reading of it. */
function checkContextManagement(management: unknown): RequestFault | null {
  if (!isPresent(management)) return null;
  const edits = objectOf(management)?.edits;
  if (isPresent(edits) && !Array.isArray(edits)) {
    return fault("edits must be a list.", "context_management.edits");
  }
  for (const [index, edit] of arrayOf(edits).entries()) {
    const type = objectOf(edit)?.type;
    if (typeof type === "string" && /^(?:clear|compact)_/.test(type)) continue;
    return fault(
      "What this edit costs is not known here. Use one whose type begins with clear or compact.",
      `context_management.edits[${index}].type`,
    );
  }
  return null;
}

/** A tool that is defined within the messages would pass by the check of `tools`. */
function checkToolAdditions(blocks: readonly JsonObject[]): RequestFault | null {
  const changes = blocks.flatMap((block) => [block, ...arrayOf(block.tool_changes).map(objectOf)]);
  for (const change of changes) {
    const added = objectOf(change?.tool)?.definition;
    if (!isPresent(added) || isClientTool(objectOf(added) ?? {})) continue;
    return fault("Tools that run at the provider can only be named in tools.", "messages");
  }
  return null;
}

/** Blocks within blocks included, such as in the result of a tool. */
function checkBlockSpelling(blocks: readonly JsonObject[]): RequestFault | null {
  for (const block of blocks) {
    const problem = checkSpelling(block, BLOCK_FIELDS);
    if (problem !== null) return { ...problem, param: "messages" };
  }
  return null;
}

/** Files that lie at the provider, in a message or in the result of a tool. */
function checkFiles(blocks: readonly JsonObject[]): RequestFault | null {
  return blocks.some(namesFile) ? fault(WHY_NO_FILES, "messages") : null;
}

import type {
  JsonObject,
  ModelRequest,
  RequestChange,
  RequestFault,
  UpstreamRequest,
} from "../dialect.ts";
import { arrayOf, objectOf } from "../json_reading.ts";
import { checkSpelling, checkSpellings, spellingsOf } from "./field_spelling.ts";
import { readFeatures } from "./openai_chat_features.ts";
import { readMessageParts } from "./openai_chat_parts.ts";
import { checkTools } from "./openai_chat_tools.ts";
import { checkUnmetered, UNMETERED_FIELDS } from "./openai_chat_unmetered.ts";
import { bodyFor, PROXY_FIELDS, readProxyFields } from "./proxy_fields.ts";
import {
  checkFlag,
  checkLength,
  fault,
  isFault,
  isPresent,
  readOutputLimit,
} from "./request_checks.ts";

const LIMIT_FIELDS = ["max_completion_tokens", "max_tokens"] as const;

/** What is read, checked or changed here; a new check belongs into these lists too. */
const FIELDS = spellingsOf([
  ...PROXY_FIELDS,
  ...LIMIT_FIELDS,
  ...UNMETERED_FIELDS.map(({ name }) => name),
  ...["messages", "stream", "stream_options", "tools", "response_format"],
  ...["thinking", "reasoning", "reasoning_effort", "include_reasoning", "reasoning_format"],
]);
const STREAM_OPTIONS = spellingsOf(["include_usage"]);
const MESSAGE_FIELDS = spellingsOf(["role", "content", "audio", "tool_calls"]);

/** Checks a parsed body of Chat Completions. Only what metering needs: the provider checks the rest. */
export function readRequest(parsed: unknown): ModelRequest | RequestFault {
  const read = readProxyFields(parsed, FIELDS);
  if (isFault(read)) return read;
  const { body } = read;
  const problem = checkMessages(body.messages) ?? checkStream(body) ?? checkUnmetered(body) ??
    checkTools(body.tools);
  if (problem !== null) return problem;
  const parts = readMessageParts(arrayOf(body.messages) as readonly JsonObject[]);
  if (isFault(parts)) return parts;
  const limit = readLimit(body);
  if (isFault(limit)) return limit;
  const asked = readFeatures(body);
  return {
    kind: "request",
    body,
    model: read.model,
    stream: body.stream === true,
    outputTokensLimit: limit,
    wantsUsage: objectOf(body.stream_options)?.include_usage === true,
    chatId: read.chatId,
    fallbackModels: read.fallbackModels,
    features: [...parts.features, ...asked.features],
    webSearchesMax: asked.webSearchesMax,
    // Search models search before they answer, and are billed for it, whether or not they cite.
    ...(asked.webSearchesMax > 0 && { webSearchesMin: asked.webSearchesMax }),
    hidesInput: parts.hidesInput,
    hidesOutput: asked.hidesOutput,
    ...(parts.references.length > 0 && { references: parts.references }),
  };
}

/** Changes what the proxy must change; every other field goes upstream as it was sent. */
export function rewriteRequest(request: ModelRequest, change: RequestChange): UpstreamRequest {
  const body = bodyFor(change.model, request.body);
  if (change.outputTokensLimit !== null) {
    const sent = LIMIT_FIELDS.filter((name) => isPresent(request.body[name]));
    const field = change.outputLimitFields.find((name) => sent.some((own) => own === name)) ??
      change.outputLimitFields[0] ?? "max_tokens";
    // A limit under a name that the provider ignores would be no limit.
    for (const name of LIMIT_FIELDS) delete body[name];
    body[field] = change.outputTokensLimit;
  }
  if (change.usageSwitch === "rejected") {
    // It reports usage all the same, and answers 422 to being asked.
    delete body.stream_options;
    return { body, withholdUsage: false, pathSuffix: "" };
  }
  if (!request.stream || request.wantsUsage) return { body, withholdUsage: false, pathSuffix: "" };
  const options = objectOf(request.body.stream_options);
  // `false` is the client's word for what it wants to see; what we are billed for we must see.
  const isOff = isPresent(options?.include_usage);
  if (change.usageSwitch === "required" || isOff) {
    body.stream_options = { ...options, include_usage: true };
    return { body, withholdUsage: true, pathSuffix: "" };
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
  for (const [index, item] of messages.entries()) {
    const message = objectOf(item);
    if (typeof message?.role !== "string") {
      return fault("Each message must be an object with a role.", `messages[${index}]`);
    }
    const { content } = message;
    if (isPresent(content) && typeof content !== "string" && !Array.isArray(content)) {
      return fault("Content must be text or a list of parts.", `messages[${index}].content`);
    }
  }
  return null;
}

function checkStream(body: JsonObject): RequestFault | null {
  const problem = checkFlag(body.stream, "stream");
  if (problem !== null || !isPresent(body.stream_options)) return problem;
  const options = objectOf(body.stream_options);
  return options === null
    ? fault("stream_options must be an object.", "stream_options")
    : checkSpelling(options, STREAM_OPTIONS, "stream_options.") ??
      checkFlag(options.include_usage, "stream_options.include_usage");
}

function readLimit(body: JsonObject): number | null | RequestFault {
  let limit: number | null = null;
  for (const name of LIMIT_FIELDS) {
    const value = readOutputLimit(body[name], name);
    if (isFault(value)) return value;
    if (limit !== null && value !== null && limit !== value) {
      return fault("max_tokens and max_completion_tokens differ. Send one of them.", name);
    }
    limit = value ?? limit;
  }
  return limit;
}

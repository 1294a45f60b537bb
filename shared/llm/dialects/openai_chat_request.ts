import type {
  JsonObject,
  ModelRequest,
  RequestChange,
  RequestFault,
  UpstreamRequest,
} from "../dialect.ts";
import { arrayOf, isDeeperThan, objectOf } from "../json_reading.ts";
import { readModels } from "./openai_chat_models.ts";
import { readAskedOutput } from "./openai_chat_output.ts";
import { readMessageParts } from "./openai_chat_parts.ts";
import { checkTools } from "./openai_chat_tools.ts";
import { UNMETERED_FIELDS } from "./openai_chat_unmetered.ts";

/** More than any chat has; it bounds the work that one request can make. */
export const MESSAGES_MAX = 5_000;
/** A tool's schema may nest 20 deep; beyond 100 it is an attack on the next recursive parser. */
const DEPTH_MAX = 100;
const OUTPUT_TOKENS_MAX = 10_000_000;
const CHAT_ID_LENGTH_MAX = 128; // As billing stores it.

const LIMIT_FIELDS = ["max_completion_tokens", "max_tokens"] as const;

/** Checks a parsed body of Chat Completions. Only what metering needs: the provider checks the rest. */
export function readChatRequest(parsed: unknown): ModelRequest | RequestFault {
  const body = objectOf(parsed);
  if (body === null) return fault("The body must be a JSON object.", null);
  if (isDeeperThan(body, DEPTH_MAX)) {
    return fault(`The body is nested more than ${DEPTH_MAX} levels deep. Flatten it.`, null);
  }
  const models = readModels(body);
  if (models.kind === "fault") return models;
  const problem = checkMessages(body.messages) ?? checkStream(body) ?? checkChatId(body.chat_id) ??
    checkMetered(body) ?? checkTools(body.tools);
  if (problem !== null) return problem;
  const parts = readMessageParts(arrayOf(body.messages) as readonly JsonObject[]);
  if (parts.kind === "fault") return parts;
  const limit = readOutputLimit(body);
  if (typeof limit === "object" && limit !== null) return limit;
  const asked = readAskedOutput(body);
  return {
    kind: "request",
    body,
    model: models.model,
    stream: body.stream === true,
    outputTokensLimit: limit,
    wantsUsage: objectOf(body.stream_options)?.include_usage === true,
    chatId: typeof body.chat_id === "string" ? body.chat_id : null,
    fallbackModels: models.fallbackModels,
    features: [...parts.features, ...asked.features],
    webSearchesMax: asked.webSearchesMax,
    hidesInput: parts.hidesInput || refersToCache(body),
    hidesOutput: asked.hidesOutput,
  };
}

/** Changes what the proxy must change; every other field goes upstream as it was sent. */
export function rewriteChatRequest(request: ModelRequest, change: RequestChange): UpstreamRequest {
  const { chat_id: _, models: __, ...rest } = request.body;
  const body: Record<string, unknown> = { ...rest, model: change.model };
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

function fault(message: string, param: string | null): RequestFault {
  return { kind: "fault", message, param };
}

/** `null` is what some clients send for a field that they leave out. */
function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function checkMessages(messages: unknown): RequestFault | null {
  if (!Array.isArray(messages) || messages.length === 0) {
    return fault("Send at least one message.", "messages");
  }
  if (messages.length > MESSAGES_MAX) {
    return fault(
      `Send at most ${MESSAGES_MAX} messages: there are ${messages.length}. Shorten the history.`,
      "messages",
    );
  }
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
  if (isPresent(body.stream) && typeof body.stream !== "boolean") {
    return fault("stream must be true or false.", "stream");
  }
  if (!isPresent(body.stream_options)) return null;
  const options = objectOf(body.stream_options);
  if (options === null) return fault("stream_options must be an object.", "stream_options");
  if (isPresent(options.include_usage) && typeof options.include_usage !== "boolean") {
    return fault("include_usage must be true or false.", "stream_options.include_usage");
  }
  return null;
}

function checkChatId(chatId: unknown): RequestFault | null {
  if (!isPresent(chatId)) return null;
  return typeof chatId === "string" && chatId !== "" && chatId.length <= CHAT_ID_LENGTH_MAX
    ? null
    : fault(`chat_id must be text of 1 to ${CHAT_ID_LENGTH_MAX} characters.`, "chat_id");
}

/** Refuses what costs money that no price covers, or that no output limit bounds. */
function checkMetered(body: JsonObject): RequestFault | null {
  for (const { name, allows, why } of UNMETERED_FIELDS) {
    const value = body[name];
    if (isPresent(value) && !allows(value)) return fault(why, name);
  }
  return null;
}

/** Google's compatibility layer takes the name of a prompt that lies there. */
function refersToCache(body: JsonObject): boolean {
  return isPresent(objectOf(objectOf(body.extra_body)?.google)?.cached_content);
}

function readOutputLimit(body: JsonObject): number | null | RequestFault {
  let limit: number | null = null;
  for (const name of LIMIT_FIELDS) {
    const value = body[name];
    if (!isPresent(value)) continue;
    if (
      typeof value !== "number" || !Number.isSafeInteger(value) || value < 1 ||
      value > OUTPUT_TOKENS_MAX
    ) {
      return fault(`${name} must be a whole number from 1 to ${OUTPUT_TOKENS_MAX}.`, name);
    }
    if (limit !== null && limit !== value) {
      return fault("max_tokens and max_completion_tokens differ. Send one of them.", name);
    }
    limit = value;
  }
  return limit;
}

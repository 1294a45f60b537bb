import type {
  JsonObject,
  ModelRequest,
  PricedFeature,
  RequestChange,
  RequestFault,
  UpstreamRequest,
} from "../dialect.ts";
import { objectOf } from "../json_reading.ts";
import { checkSpellings, spellingsOf } from "./field_spelling.ts";
import { PART_FIELDS } from "./house_files.ts";
import { checkFiles, findHiddenInput } from "./openai_responses_prompt.ts";
import { readReferences } from "./openai_responses_references.ts";
import { readTools } from "./openai_responses_tools.ts";
import { checkUnmetered, UNMETERED_FIELDS } from "./openai_responses_unmetered.ts";
import { bodyFor, PROXY_FIELDS, readProxyFields } from "./proxy_fields.ts";
import {
  checkFlag,
  checkLength,
  fault,
  isFault,
  isPresent,
  readOutputLimit,
} from "./request_checks.ts";

/** Fields that may stand in for `input`: the prompt then lies at the provider. */
const INSTEAD_OF_INPUT = ["previous_response_id", "conversation", "prompt"];

/** What is read, checked or changed here; a new check belongs into these lists too. */
const FIELDS = spellingsOf([
  ...PROXY_FIELDS,
  ...INSTEAD_OF_INPUT,
  ...UNMETERED_FIELDS.map(({ name }) => name),
  ...["input", "stream", "tools", "max_output_tokens", "max_tool_calls", "reasoning"],
  ...["instructions", "text", "context_management"],
]);
const ITEM_FIELDS = spellingsOf([
  ...[
    "type",
    "id",
    "role",
    "content",
    "output",
    "summary",
    "tools",
    "encrypted_content",
    "file_id",
  ],
]);

/** Checks a parsed body of the Responses API. Only what metering needs: the provider checks the rest. */
export function readRequest(parsed: unknown): ModelRequest | RequestFault {
  const read = readProxyFields(parsed, FIELDS);
  if (isFault(read)) return read;
  const { body } = read;
  const problem = checkInput(body) ?? checkFlag(body.stream, "stream") ?? checkUnmetered(body) ??
    checkFiles(body);
  if (problem !== null) return problem;
  const tools = readTools(body);
  if (isFault(tools)) return tools;
  const limit = readOutputLimit(body.max_output_tokens, "max_output_tokens");
  if (isFault(limit)) return limit;
  const { hidesInput, hasSound } = findHiddenInput(body);
  const references = readReferences(body);
  if (isFault(references)) return references;
  const features: PricedFeature[] = [];
  if (hasSound) features.push("input_audio");
  if (tools.webSearchesMax > 0) features.push("web_search");
  return {
    kind: "request",
    body,
    model: read.model,
    stream: body.stream === true,
    outputTokensLimit: limit,
    wantsUsage: true, // It always comes, in the last event of the answer itself.
    chatId: read.chatId,
    fallbackModels: read.fallbackModels,
    features,
    webSearchesMax: tools.webSearchesMax,
    hidesInput,
    hidesOutput: asksForReasoning(body),
    ...(references.length > 0 && { references }),
  };
}

/** Changes what the proxy must change; every other field goes upstream as it was sent. */
export function rewriteRequest(
  request: ModelRequest,
  change: RequestChange,
): UpstreamRequest {
  const body = bodyFor(change.model, request.body);
  if (change.outputTokensLimit !== null) body.max_output_tokens = change.outputTokensLimit;
  return { body, withholdUsage: false, pathSuffix: "" };
}

/**
 * Whether the request itself makes a model think, of which this dialect shows a summary at best.
 * Models that think unasked say so in their price (`hides_reasoning`).
 */
function asksForReasoning(body: JsonObject): boolean {
  const reasoning = objectOf(body.reasoning);
  return reasoning !== null && reasoning.enabled !== false && reasoning.effort !== "none";
}

function isTextOrList(value: unknown): boolean {
  return typeof value === "string" || Array.isArray(value);
}

function checkInput(body: JsonObject): RequestFault | null {
  const { input, instructions } = body;
  if (isPresent(instructions) && typeof instructions !== "string") {
    return fault("instructions must be text.", "instructions");
  }
  if (!isPresent(input)) {
    return INSTEAD_OF_INPUT.some((name) => isPresent(body[name]))
      ? null
      : fault("Send input: text, or a list of items.", "input");
  }
  if (typeof input === "string") return null;
  if (!Array.isArray(input)) return fault("input must be text or a list of items.", "input");
  const excess = checkLength(input, "items", "input");
  if (excess !== null) return excess;
  const misspelt = checkSpellings(input, ITEM_FIELDS, "input");
  if (misspelt !== null) return misspelt;
  for (const [index, item] of input.entries()) {
    const fields = objectOf(item);
    const param = `input[${index}]`;
    if (fields === null) return fault("Each item of the input must be an object.", param);
    if (isPresent(fields.content) && !isTextOrList(fields.content)) {
      return fault("Content must be text or a list of parts.", `${param}.content`);
    }
    const problem = checkSpellings(fields.content, PART_FIELDS, `${param}.content`) ??
      checkSpellings(fields.output, PART_FIELDS, `${param}.output`);
    if (problem !== null) return problem;
  }
  return null;
}

import type {
  JsonObject,
  ModelRequest,
  PricedFeature,
  RequestChange,
  RequestFault,
  RequestTarget,
  UpstreamRequest,
} from "../dialect.ts";
import { objectOf } from "../json_reading.ts";
import { readFeatures } from "./gemini_features.ts";
import { checkSpelling, checkSpellings, spellingsOf } from "./field_spelling.ts";
import { camelCase, fieldNamedTwice, fieldsOf, listOf, nameOf } from "./gemini_fields.ts";
import { readPart } from "./gemini_parts.ts";
import { partsOf } from "./gemini_prompt.ts";
import { checkTools } from "./gemini_tools.ts";
import { BODY_FIELDS, checkUnmetered, CONFIG_FIELDS } from "./gemini_unmetered.ts";
import { isModelName, isTooLong, NAME_TOO_LONG, readChatId, readModels } from "./proxy_fields.ts";
import { checkLength, fault, isFault, readBody, readOutputLimit } from "./request_checks.ts";

/** Fields of ours, and the model, which Google refuses where the path has another. */
const NOT_FORWARDED = ["chatId", "models", "model"];

/** What is read, checked or changed here; a new check belongs into these lists too. */
const FIELDS = spellingsOf([
  ...NOT_FORWARDED,
  ...BODY_FIELDS.map(({ name }) => name),
  ...["contents", "systemInstruction", "generationConfig", "tools"],
]);
const CONFIG = spellingsOf([
  ...CONFIG_FIELDS.map(({ name }) => name),
  ...["maxOutputTokens", "thinkingConfig", "responseModalities", "speechConfig", "imageConfig"],
  ...["responseSchema", "responseJsonSchema"],
]);
const CONTENT = spellingsOf(["parts"]);

/**
 * Checks a parsed body of `generateContent` or `streamGenerateContent`, which are the same. Only what
 * metering needs: the provider checks the rest.
 *
 * @param target the model and the method, which are in the path.
 */
export function readRequest(
  parsed: unknown,
  target?: RequestTarget,
): ModelRequest | RequestFault {
  const read = readBody(parsed);
  if (isFault(read)) return read;
  const { body } = read;
  if (isTooLong(target?.model)) return fault(NAME_TOO_LONG, "model");
  if (!isModelName(target?.model)) {
    return fault("Name one model in the path: /v1beta/models/<model>:generateContent.", "model");
  }
  const misspelt = checkSpelling(body, FIELDS, "", camelCase);
  if (misspelt !== null) return misspelt;
  const twice = fieldNamedTwice(body);
  if (twice !== null) {
    return fault(`${twice} is there under both of its names. Send one of them.`, twice);
  }
  const fields = fieldsOf(body) ?? {};
  const models = readModels({ model: target?.model, models: listOf(fields.models) });
  if (isFault(models)) return models;
  const chatId = readChatId(fields.chatId);
  if (isFault(chatId)) return chatId;
  const settings = readSettings(fields);
  if (isFault(settings)) return settings;
  const prompt = readPrompt(fields);
  if (isFault(prompt)) return prompt;
  return {
    kind: "request",
    body,
    model: models.model,
    stream: target?.stream === true,
    method: target?.method ?? (target?.stream ? "streamGenerateContent" : "generateContent"),
    outputTokensLimit: settings.outputTokensLimit,
    wantsUsage: true, // It always comes, in the chunks of the answer itself.
    chatId,
    fallbackModels: models.fallbackModels,
    features: [...prompt.features, ...settings.features],
    webSearchesMax: 0,
    hidesInput: prompt.hidesInput,
    hidesOutput: settings.hidesOutput,
  };
}

/** Changes what the proxy must change; every other field goes upstream as it was sent. */
export function rewriteRequest(
  request: ModelRequest,
  change: RequestChange,
): UpstreamRequest {
  const body: Record<string, unknown> = { ...request.body };
  for (const field of NOT_FORWARDED) {
    const name = nameOf(body, field);
    if (name !== null) delete body[name];
  }
  if (change.outputTokensLimit !== null) {
    // Under the names that the client used: both names of one field are an error.
    const configName = nameOf(body, "generationConfig") ?? "generationConfig";
    const config = objectOf(body[configName]) ?? {};
    const limitName = nameOf(config, "maxOutputTokens") ??
      (configName === "generationConfig" ? "maxOutputTokens" : "max_output_tokens");
    body[configName] = { ...config, [limitName]: change.outputTokensLimit };
  }
  const method = request.stream ? "streamGenerateContent" : request.method ?? "generateContent";
  const query = request.stream ? "?alt=sse" : "";
  return {
    body,
    withholdUsage: false,
    pathSuffix: `/models/${encodeURIComponent(change.model)}:${method}${query}`,
  };
}

interface Settings {
  readonly kind: "settings";
  readonly outputTokensLimit: number | null;
  readonly features: readonly PricedFeature[];
  readonly hidesOutput: boolean;
}

function readSettings(body: JsonObject): Settings | RequestFault {
  const config = body.generationConfig === undefined ? {} : fieldsOf(body.generationConfig);
  if (config === null) return fault("generationConfig must be an object.", "generationConfig");
  const problem = checkSpelling(body.generationConfig, CONFIG, "generationConfig.", camelCase) ??
    checkUnmetered(body, config) ?? checkTools(body.tools);
  if (problem !== null) return problem;
  const features = readFeatures(config);
  if (isFault(features)) return features;
  const limit = readOutputLimit(config.maxOutputTokens, "generationConfig.maxOutputTokens");
  if (isFault(limit)) return limit;
  const hidesOutput = thinksUnseen(config.thinkingConfig);
  return { kind: "settings", outputTokensLimit: limit, features, hidesOutput };
}

/** Thoughts are billed as output, and shown as a summary or not at all. A budget of 0 is none. */
function thinksUnseen(value: unknown): boolean {
  return value !== undefined && fieldsOf(value)?.thinkingBudget !== 0;
}

interface Prompt {
  readonly kind: "prompt";
  readonly features: readonly PricedFeature[];
  readonly hidesInput: boolean;
}

function readPrompt(body: JsonObject): Prompt | RequestFault {
  const contents = listOf(body.contents);
  if (contents.length === 0) return fault("Send at least one content.", "contents");
  const excess = checkLength(contents, "contents", "contents");
  if (excess !== null) return excess;
  const stray = contents.findIndex((content) => objectOf(content) === null);
  if (stray !== -1) {
    return fault("Each content must be an object with parts.", `contents[${stray}]`);
  }
  const misspelt = checkSpellings(contents, CONTENT, "contents", camelCase) ??
    checkSpellings(listOf(body.systemInstruction), CONTENT, "systemInstruction", camelCase);
  if (misspelt !== null) return misspelt;
  let [hidesInput, hasSound] = [false, false];
  for (const { part, param } of partsOf(body)) {
    const reading = readPart(part);
    if (reading.kind === "refused") return fault(reading.why, param);
    hidesInput ||= reading.hidesInput;
    hasSound ||= reading.hasSound;
  }
  return { kind: "prompt", features: hasSound ? ["input_audio"] : [], hidesInput };
}

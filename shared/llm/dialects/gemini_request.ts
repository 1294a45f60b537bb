import type {
  JsonObject,
  ModelRequest,
  PricedFeature,
  RequestChange,
  RequestFault,
  RequestTarget,
  UpstreamRequest,
} from "../dialect.ts";
import { isDeeperThan, objectOf } from "../json_reading.ts";
import { fieldNamedTwice, fieldsOf, listOf, nameOf } from "./gemini_fields.ts";
import { partsOf } from "./gemini_prompt.ts";
import { readPart } from "./gemini_parts.ts";
import { checkUnmetered, readOutputFeatures } from "./gemini_unmetered.ts";

/** More than any chat has; it bounds the work that one request can make. */
export const CONTENTS_MAX = 5_000;
/** A tool's schema may nest 20 deep; beyond 100 it is an attack on the next recursive parser. */
const DEPTH_MAX = 100;
const OUTPUT_TOKENS_MAX = 10_000_000;
const MODEL_NAME_LENGTH_MAX = 256;
const CHAT_ID_LENGTH_MAX = 128; // As billing stores it.
const FALLBACK_MODELS_MAX = 8; // As a reservation takes.

/** Fields of ours, and the model, which Google refuses where the path has another. */
const NOT_FORWARDED = ["chatId", "models", "model"];

/**
 * Checks a parsed body of `generateContent` or `streamGenerateContent`, which are the same. Only what
 * metering needs: the provider checks the rest.
 *
 * @param target the model and the method, which are in the path.
 */
export function readGeminiRequest(
  parsed: unknown,
  target?: RequestTarget,
): ModelRequest | RequestFault {
  const body = objectOf(parsed);
  if (body === null) return fault("The body must be a JSON object.", null);
  if (isDeeperThan(body, DEPTH_MAX)) {
    return fault(`The body is nested more than ${DEPTH_MAX} levels deep. Flatten it.`, null);
  }
  const model = target?.model ?? "";
  if (model === "" || model.length > MODEL_NAME_LENGTH_MAX) {
    return fault("Name one model in the path: /v1beta/models/<model>:generateContent.", "model");
  }
  const twice = fieldNamedTwice(body);
  if (twice !== null) {
    return fault(`${twice} is there under both of its names. Send one of them.`, twice);
  }
  const fields = fieldsOf(body) ?? {};
  const settings = readSettings(fields);
  if (settings.kind === "fault") return settings;
  const prompt = readPrompt(fields);
  if (prompt.kind === "fault") return prompt;
  return {
    kind: "request",
    body,
    model,
    stream: target?.stream === true,
    method: target?.method ?? (target?.stream ? "streamGenerateContent" : "generateContent"),
    outputTokensLimit: settings.outputTokensLimit,
    wantsUsage: true, // It always comes, in the chunks of the answer itself.
    chatId: settings.chatId,
    fallbackModels: settings.fallbackModels,
    features: [...prompt.features, ...settings.features],
    webSearchesMax: 0,
    hidesInput: prompt.hidesInput,
    hidesOutput: settings.hidesOutput,
  };
}

/** Changes what the proxy must change; every other field goes upstream as it was sent. */
export function rewriteGeminiRequest(
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
  readonly chatId: string | null;
  readonly fallbackModels: readonly string[];
  readonly features: readonly PricedFeature[];
  readonly hidesOutput: boolean;
}

function readSettings(body: JsonObject): Settings | RequestFault {
  const config = body.generationConfig === undefined ? {} : fieldsOf(body.generationConfig);
  if (config === null) return fault("generationConfig must be an object.", "generationConfig");
  const unmetered = checkUnmetered(body, config);
  if (unmetered !== null) return unmetered;
  const features = readOutputFeatures(config);
  if ("kind" in features) return features;
  const limit = config.maxOutputTokens ?? null;
  if (limit !== null && !isOutputLimit(limit)) {
    return fault(
      `maxOutputTokens must be a whole number from 1 to ${OUTPUT_TOKENS_MAX}.`,
      "generationConfig.maxOutputTokens",
    );
  }
  const chatId = body.chatId ?? null;
  if (chatId !== null && !isText(chatId, CHAT_ID_LENGTH_MAX)) {
    return fault(`chat_id must be text of 1 to ${CHAT_ID_LENGTH_MAX} characters.`, "chat_id");
  }
  const fallbackModels = listOf(body.models);
  if (!isModelList(fallbackModels)) {
    return fault(`models must be at most ${FALLBACK_MODELS_MAX} names of models.`, "models");
  }
  const hidesOutput = thinksUnseen(config.thinkingConfig);
  return {
    kind: "settings",
    outputTokensLimit: limit,
    chatId,
    fallbackModels,
    features,
    hidesOutput,
  };
}

function isOutputLimit(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1 &&
    value <= OUTPUT_TOKENS_MAX;
}

function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === "string" && value !== "" && value.length <= lengthMax;
}

function isModelList(value: readonly unknown[]): value is readonly string[] {
  return value.length <= FALLBACK_MODELS_MAX &&
    value.every((name) => isText(name, MODEL_NAME_LENGTH_MAX));
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
  if (contents.length > CONTENTS_MAX) {
    return fault(
      `Send at most ${CONTENTS_MAX} contents: there are ${contents.length}. Shorten the history.`,
      "contents",
    );
  }
  const stray = contents.findIndex((content) => objectOf(content) === null);
  if (stray !== -1) {
    return fault("Each content must be an object with parts.", `contents[${stray}]`);
  }
  let [hidesInput, hasSound] = [false, false];
  for (const { part, param } of partsOf(body)) {
    const reading = readPart(part);
    if (reading.kind === "refused") return fault(reading.why, param);
    hidesInput ||= reading.hidesInput;
    hasSound ||= reading.hasSound;
  }
  return { kind: "prompt", features: hasSound ? ["input_audio"] : [], hidesInput };
}

function fault(message: string, param: string | null): RequestFault {
  return { kind: "fault", message, param };
}

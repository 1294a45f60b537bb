import type { JsonObject, RequestFault } from "../dialect.ts";
import { checkSpelling, type Spellings } from "./field_spelling.ts";
import { fault, isFault, isPresent, readBody } from "./request_checks.ts";

/** Fields of a body that say something to the proxy itself: `model`, `models` and `chat_id`. */

const MODEL_NAME_LENGTH_MAX = 256;
/** As many as one reservation covers. */
export const FALLBACK_MODELS_MAX = 8;

const CHAT_ID_LENGTH_MAX = 128; // As billing stores it.

/** A body, and what it says to the proxy. */
export interface ProxyFields {
  readonly kind: "fields";
  readonly body: JsonObject;
  readonly model: string;
  readonly fallbackModels: readonly string[];
  readonly chatId: string | null;
}

/** What `readProxyFields` reads itself. */
export const PROXY_FIELDS = ["model", "models", "chat_id"] as const;

/**
 * Reads a parsed body that names its model itself.
 *
 * @param spellings all fields of the body that the dialect reads, checks or changes.
 */
export function readProxyFields(
  parsed: unknown,
  spellings: Spellings,
): ProxyFields | RequestFault {
  const read = readBody(parsed);
  if (isFault(read)) return read;
  const { body } = read;
  const misspelt = checkSpelling(body, spellings);
  if (misspelt !== null) return misspelt;
  const models = readModels(body);
  if (isFault(models)) return models;
  const chatId = readChatId(body.chat_id);
  if (isFault(chatId)) return chatId;
  return { ...models, kind: "fields", body, chatId };
}

/** A body for the provider: without what is ours, and with the model by its name there. */
export function bodyFor(model: string, body: JsonObject): Record<string, unknown> {
  const { chat_id: _, models: __, ...rest } = body;
  return { ...rest, model };
}

/** The model asked for, and those to try when it cannot answer. */
export interface RequestedModels {
  readonly kind: "models";
  readonly model: string;
  readonly fallbackModels: readonly string[];
}

/** Reads `model` and `models`: one of them is enough, and the first named is the model. */
export function readModels({ model, models }: JsonObject): RequestedModels | RequestFault {
  const listed = models ?? [];
  if (isTooLong(model)) return fault(NAME_TOO_LONG, "model");
  if (Array.isArray(listed) && listed.some(isTooLong)) return fault(NAME_TOO_LONG, "models");
  if (!Array.isArray(listed) || !listed.every(isModelName)) {
    return fault(`models must be a list of names, such as ["openai:gpt-4o"].`, "models");
  }
  const isNamed = isPresent(model);
  if (isNamed && !isModelName(model)) return fault(NAME_ONE, "model");
  const [first, ...others] = new Set<string>(isNamed ? [model as string, ...listed] : listed);
  if (first === undefined) return fault(NAME_ONE, "model");
  if (others.length > FALLBACK_MODELS_MAX) {
    return fault(
      `Name at most ${FALLBACK_MODELS_MAX} models to fall back on: there are ${others.length}.`,
      "models",
    );
  }
  return { kind: "models", model: first, fallbackModels: others };
}

export const NAME_TOO_LONG = `The name of a model has at most ${MODEL_NAME_LENGTH_MAX} characters.`;

/** Whether it is text that is too long for the name of a model. */
export function isTooLong(name: unknown): boolean {
  return typeof name === "string" && name.length > MODEL_NAME_LENGTH_MAX;
}

const NAME_ONE = `Name one model as text, such as "openai:gpt-4o".`;

/** Whether it can be the name of a model. */
export function isModelName(name: unknown): name is string {
  return typeof name === "string" && name !== "" && name.length <= MODEL_NAME_LENGTH_MAX;
}

/** `chat_id`, the plain alias of the header `x-chat-id`. It is ours: no provider gets it. */
export function readChatId(value: unknown): string | null | RequestFault {
  if (!isPresent(value)) return null;
  return typeof value === "string" && value !== "" && value.length <= CHAT_ID_LENGTH_MAX
    ? value
    : fault(`chat_id must be text of 1 to ${CHAT_ID_LENGTH_MAX} characters.`, "chat_id");
}

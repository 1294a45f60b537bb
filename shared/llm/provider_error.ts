import type { JsonObject } from "./dialect.ts";
import { objectOf, textOf } from "./json_reading.ts";
import type { ProviderError } from "./meter.ts";

/** For an `event: error` whose data is in no shape that we know. */
export const UNTOLD_ERROR: ProviderError = {
  message: "The provider sent an error event.",
  type: null,
  code: null,
};

/**
 * The error within a body, a chunk or a choice, in any of the shapes that providers use:
 * `{"error":{message,type,code}}`, `{"error":"text"}`, `{"object":"error",message}`, and what has a
 * message, or FastAPI's `detail`, where an answer would have choices.
 */
export function readError(from: JsonObject): ProviderError | null {
  const detail = objectOf(from.error) ?? (from.object === "error" ? from : null);
  if (detail !== null) return errorOf(detail, detail.type);
  const isAnswer = from.choices !== undefined || from.usage !== undefined ||
    from.index !== undefined;
  const message = textOf(from.error) ??
    (isAnswer ? null : textOf(from.message) ?? textOfDetail(from.detail));
  return message === null ? null : { message, type: textOf(from.type), code: codeOf(from.code) };
}

/** The error of an object that is one, with the type that its dialect gives it. */
export function errorOf(detail: JsonObject, type: unknown): ProviderError {
  return {
    message: textOf(detail.message) ?? "The provider gave no message.",
    type: textOf(type),
    code: codeOf(detail.code),
  };
}

/** FastAPI's `detail` is a text (Mistral's 401), or a list of what is wrong with the request (422). */
function textOfDetail(detail: unknown): string | null {
  return Array.isArray(detail) ? JSON.stringify(detail).slice(0, 1000) : textOf(detail);
}

/** Google's and OpenRouter's codes are numbers. */
function codeOf(code: unknown): string | null {
  return typeof code === "number" ? String(code) : textOf(code);
}

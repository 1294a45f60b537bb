import type { DialectError, JsonObject } from "../dialect.ts";
import { eventText } from "../event_text.ts";
import { objectOf, textOf } from "../json_reading.ts";
import type { ProviderError } from "../meter.ts";
import { readError, UNTOLD_ERROR } from "../provider_error.ts";
import { errorBody } from "./openai_chat_errors.ts";

/**
 * An error as the last event of a stream: SDKs raise it out of the loop over events. OpenAI documents
 * its fields at the top and sends them in `error`; each is what some SDK looks for, so both are there.
 */
export function errorEvent(error: DialectError): Uint8Array {
  const body = errorBody(error);
  const { message, code, param } = error;
  // Its place in the stream is not known here; SDKs only want it to be a number.
  const data = { type: "error", sequence_number: 0, code, message, param: param ?? null, ...body };
  return new TextEncoder().encode(eventText(data, data.type));
}

/** The error of an `error` event, whose fields are in `error` or at its top. */
export function readErrorEvent({ type: _, ...data }: JsonObject): ProviderError {
  return readAnswerError(data) ?? readError({ ...data, object: "error" }) ?? UNTOLD_ERROR;
}

/**
 * The error within a body or a response: an `error` of any shape, or the `{"detail":"text"}` of
 * ChatGPT's own backend and of those made with FastAPI.
 */
export function readAnswerError(from: JsonObject): ProviderError | null {
  const found = readError(from);
  if (found !== null) return found;
  const message = textOf(from.detail) ?? textOf(objectOf(from.detail)?.message);
  return message === null ? null : { message, type: null, code: null };
}

import type { DialectError, JsonObject } from "../dialect.ts";
import { objectOf, textOf } from "../json_reading.ts";
import type { ProviderError } from "../meter.ts";
import { errorOf } from "../provider_error.ts";

/** One event as Google frames it: with CRLF, always. */
export function eventOf(chunk: JsonObject): string {
  return `data: ${JSON.stringify(chunk)}\r\n\r\n`;
}

/**
 * Google's error envelope. Its SDK makes an `ApiError` of it, with the HTTP status and all of the body
 * as its message; our stable code is the reason, where Google has its own.
 */
export function errorBody(error: DialectError): JsonObject {
  return {
    error: {
      code: error.status,
      message: error.message,
      status: statusName(error.status),
      details: [{
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        reason: error.code,
        domain: "farebox",
        metadata: typeof error.param === "string" ? { param: error.param } : {},
      }],
    },
  };
}

/** The same in mid-stream: the SDK raises it out of the loop over chunks, by its code. */
export function errorEvent(error: DialectError): Uint8Array {
  return new TextEncoder().encode(eventOf(errorBody(error)));
}

/** The name that Google gives to a status (google.rpc.Code). */
function statusName(status: number): string {
  switch (status) {
    case 401:
      return "UNAUTHENTICATED";
    case 402: // As where billing is not enabled; RESOURCE_EXHAUSTED would say "wait".
    case 412:
      return "FAILED_PRECONDITION";
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "NOT_FOUND";
    case 408:
    case 504:
      return "DEADLINE_EXCEEDED";
    case 409:
      return "ABORTED";
    case 429:
      return "RESOURCE_EXHAUSTED";
    case 501:
      return "UNIMPLEMENTED";
    case 502:
    case 503:
      return "UNAVAILABLE";
    default:
      return status >= 500 ? "INTERNAL" : "INVALID_ARGUMENT";
  }
}

/** The error within a body or a chunk: `{"error":{code,message,status}}`, or only its text. */
export function readError(from: JsonObject): ProviderError | null {
  const detail = objectOf(from.error);
  if (detail !== null) return errorOf(detail, detail.status);
  const message = textOf(from.error);
  return message === null ? null : { message, type: null, code: null };
}

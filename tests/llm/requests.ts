/** Requests of any dialect for tests: read, refused, and what is plain about them. */
import { assertMatch } from "@std/assert";
import type {
  Dialect,
  ModelRequest,
  RequestFault,
  RequestTarget,
} from "../../shared/llm/dialect.ts";

/** What is read of a request for a short text, beside its body and its model. */
export const PLAIN = {
  kind: "request",
  stream: false,
  outputTokensLimit: null,
  chatId: null,
  fallbackModels: [],
  features: [],
  webSearchesMax: 0,
  hidesInput: false,
  hidesOutput: false,
} as const;

/** The request of a body that must be accepted. */
export function accepted(dialect: Dialect, body: unknown, target?: RequestTarget): ModelRequest {
  const request = dialect.readRequest(body, target);
  if (request.kind !== "request") throw new Error(`refused: ${JSON.stringify(request)}`);
  return request;
}

/** Why a body that must be refused is, in a sentence. */
export function refused(dialect: Dialect, body: unknown, target?: RequestTarget): RequestFault {
  const request = dialect.readRequest(body, target);
  if (request.kind !== "fault") {
    throw new Error(`not refused: ${JSON.stringify(body).slice(0, 200)}`);
  }
  assertMatch(request.message, /\w.*[.}]$/);
  return request;
}

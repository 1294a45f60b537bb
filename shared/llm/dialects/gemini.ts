import type { Dialect } from "../dialect.ts";
import { errorBody, errorEvent } from "./gemini_errors.ts";
import { createMeter, readAnswer } from "./gemini_meter.ts";
import { inputTokensEstimate, inputTokensMax } from "./gemini_prompt.ts";
import { readRequest, rewriteRequest } from "./gemini_request.ts";

/**
 * Google's own format, `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent`, as
 * AI Studio and Vertex speak it (https://ai.google.dev/api/generate-content).
 *
 * No counting rules: there is one reading of its counts, which every provider of it shares.
 */
export const GEMINI: Dialect = {
  name: "gemini",
  readRequest,
  inputTokensMax,
  inputTokensEstimate,
  rewriteRequest,
  requestHeaders: () => ({}),
  createMeter,
  readAnswer,
  errorBody,
  errorEvent,
};

import type { Dialect } from "../dialect.ts";
import { errorBody } from "./openai_chat_errors.ts";
import { errorEvent } from "./openai_responses_errors.ts";
import { createMeter, readAnswer } from "./openai_responses_meter.ts";
import { inputTokensEstimate, inputTokensMax } from "./openai_responses_prompt.ts";
import { readRequest, rewriteRequest } from "./openai_responses_request.ts";

/** OpenAI's Responses API, as OpenAI, xAI and others speak it. */
export const OPENAI_RESPONSES: Dialect = {
  name: "openai-responses",
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

import type { Dialect } from "../dialect.ts";
import { errorEvent, responseBody } from "./openai_chat_errors.ts";
import { createMeter, readAnswer } from "./openai_chat_meter.ts";
import { inputTokensEstimate, inputTokensMax } from "./openai_chat_prompt.ts";
import { readRequest, rewriteRequest } from "./openai_chat_request.ts";

/** OpenAI Chat Completions, as OpenAI and many others speak it. */
export const OPENAI_CHAT: Dialect = {
  name: "openai-chat",
  readRequest,
  inputTokensMax,
  inputTokensEstimate,
  rewriteRequest,
  requestHeaders: () => ({}),
  createMeter,
  readAnswer,
  errorBody: responseBody,
  errorEvent,
};

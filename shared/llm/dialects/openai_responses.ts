import type { Dialect } from "../dialect.ts";
import { errorBody } from "./openai_chat_errors.ts";
import { errorEvent } from "./openai_responses_errors.ts";
import { createResponsesMeter, readResponsesAnswer } from "./openai_responses_meter.ts";
import { responsesInputTokensEstimate, responsesInputTokensMax } from "./openai_responses_parts.ts";
import { readResponsesRequest, rewriteResponsesRequest } from "./openai_responses_request.ts";

/** OpenAI's Responses API, as OpenAI, xAI and others speak it. */
export const OPENAI_RESPONSES: Dialect = {
  name: "openai-responses",
  readRequest: readResponsesRequest,
  inputTokensMax: responsesInputTokensMax,
  inputTokensEstimate: responsesInputTokensEstimate,
  rewriteRequest: rewriteResponsesRequest,
  requestHeaders: () => ({}),
  createMeter: createResponsesMeter,
  readAnswer: readResponsesAnswer,
  errorBody,
  errorEvent,
};

import type { Dialect } from "../dialect.ts";
import { errorBody, errorEvent } from "./anthropic_messages_errors.ts";
import { requestHeaders } from "./anthropic_messages_headers.ts";
import { createMeter, readAnswer } from "./anthropic_messages_meter.ts";
import { inputTokensEstimate, inputTokensMax } from "./anthropic_messages_prompt.ts";
import { readRequest, rewriteRequest } from "./anthropic_messages_request.ts";

/** Anthropic Messages, as Anthropic and those compatible with it speak it. */
export const ANTHROPIC_MESSAGES: Dialect = {
  name: "anthropic-messages",
  readRequest,
  inputTokensMax,
  inputTokensEstimate,
  rewriteRequest,
  requestHeaders,
  createMeter,
  readAnswer,
  errorBody,
  errorEvent,
};

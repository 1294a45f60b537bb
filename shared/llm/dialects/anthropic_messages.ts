import type { Dialect } from "../dialect.ts";
import { errorBody, errorEvent } from "./anthropic_messages_errors.ts";
import { messagesHeaders } from "./anthropic_messages_headers.ts";
import { createMessagesMeter, readMessagesAnswer } from "./anthropic_messages_meter.ts";
import { messagesInputEstimate, messagesInputMax } from "./anthropic_messages_prompt.ts";
import { readMessagesRequest, rewriteMessagesRequest } from "./anthropic_messages_request.ts";

/** Anthropic Messages, as Anthropic and those compatible with it speak it. */
export const ANTHROPIC_MESSAGES: Dialect = {
  name: "anthropic-messages",
  readRequest: (body) => readMessagesRequest(body),
  inputTokensMax: messagesInputMax,
  inputTokensEstimate: messagesInputEstimate,
  rewriteRequest: rewriteMessagesRequest,
  requestHeaders: messagesHeaders,
  createMeter: createMessagesMeter,
  readAnswer: readMessagesAnswer,
  errorBody,
  errorEvent,
};

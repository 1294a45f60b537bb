import type { Dialect } from "../dialect.ts";
import { estimateInputTokens } from "../input_estimate.ts";
import { boundPrompt, inputTokensMax } from "../token_bounds.ts";
import { errorEvent, responseBody } from "./openai_chat_errors.ts";
import { createChatMeter, readChatAnswer } from "./openai_chat_meter.ts";
import { readChatRequest, rewriteChatRequest } from "./openai_chat_request.ts";

/** OpenAI Chat Completions, as OpenAI and many others speak it. */
export const OPENAI_CHAT: Dialect = {
  name: "openai-chat",
  readRequest: readChatRequest,
  inputTokensMax: ({ body, hidesInput, webSearchesMax }, limits) =>
    hidesInput || webSearchesMax > 0
      ? boundPrompt({ ...NOTHING_COUNTED, hidesInput, webSearchesMax }, limits)
      : inputTokensMax(body, limits),
  inputTokensEstimate: (request, limits) => estimateInputTokens(request.body, limits),
  rewriteRequest: rewriteChatRequest,
  requestHeaders: () => ({}),
  createMeter: createChatMeter,
  readAnswer: readChatAnswer,
  errorBody: responseBody,
  errorEvent,
};

/** Where the prompt is the whole context window, whatever it holds. */
const NOTHING_COUNTED = { values: [], messages: 0, images: new Map<unknown, string>() };

/**
 * Providers that serve models of their own.
 *
 * Abort policies without another source are from OpenRouter's list of where a cancelled stream
 * stops billing (https://openrouter.ai/docs/api-reference/streaming).
 */
import type { Provider } from "../provider.ts";
import { CHAT, EITHER_LIMIT, GENERATE, MESSAGES, OPENAI_LIMITS, RESPONSES } from "./endpoints.ts";

/** What the base URLs of Google's SDKs end with. */
const GOOGLE_BASES = ["/v1beta/openai", "/v1beta", "/v1"] as const;
/** What the base URLs of OpenAI's and Anthropic's SDKs end with at DeepSeek and Moonshot. */
const COMPAT_BASES = ["/anthropic/v1", "/anthropic", "/beta", "/v1"] as const;
const DASHSCOPE_BASES = ["/compatible-mode/v1", "/apps/anthropic/v1", "/apps/anthropic"] as const;
const ZAI_BASES = ["/paas/v4", "/anthropic/v1", "/anthropic"] as const;

export const MODEL_MAKERS: readonly Provider[] = [
  {
    id: "openai",
    aliases: [],
    name: "OpenAI",
    baseUrl: "https://api.openai.com/v1",
    keyRequired: true,
    endpoints: {
      "openai-chat": {
        ...CHAT,
        usageSwitch: "required",
        // Every model takes it; gpt-5 and the o series reject max_tokens, which some SDKs send.
        outputLimitFields: ["max_completion_tokens"],
      },
      "openai-responses": RESPONSES,
    },
    abortPolicy: "abort", // Listed; OpenAI itself says nothing.
  },
  {
    id: "anthropic",
    aliases: [],
    name: "Anthropic",
    baseUrl: "https://api.anthropic.com",
    keyRequired: true,
    endpoints: {
      "anthropic-messages": { ...MESSAGES, path: "/v1/messages", replaces: ["/v1"] },
      // The compatibility layer (https://platform.claude.com/docs/en/api/openai-sdk).
      "openai-chat": {
        ...CHAT,
        path: "/v1/chat/completions",
        replaces: ["/v1"],
        usageSwitch: "required",
        outputLimitFields: EITHER_LIMIT,
      },
    },
    abortPolicy: "abort", // Listed; Anthropic itself says nothing.
  },
  {
    id: "google",
    // Vertex counts alike; its keys and addresses differ, so it is set as a provider of its own.
    aliases: ["google-ai-studio", "gemini", "google-vertex"],
    name: "Google AI Studio",
    baseUrl: "https://generativelanguage.googleapis.com",
    keyRequired: true,
    endpoints: {
      gemini: { ...GENERATE, replaces: GOOGLE_BASES },
      // The compatibility layer (https://ai.google.dev/gemini-api/docs/openai).
      "openai-chat": {
        ...CHAT,
        path: "/v1beta/openai/chat/completions",
        replaces: GOOGLE_BASES,
        usageSwitch: "required",
        outputLimitFields: EITHER_LIMIT,
        counting: { reasoning: "hidden_in_total", audioInput: "inside" },
      },
    },
    // js-genai on AbortSignal: "a client-only operation … You will still be charged".
    abortPolicy: "drain",
  },
  {
    id: "xai",
    aliases: ["x-ai"],
    name: "xAI",
    baseUrl: "https://api.x.ai/v1",
    keyRequired: true,
    // Its Messages API is deprecated (https://docs.x.ai/docs/api-reference) and left out.
    endpoints: {
      "openai-chat": {
        ...CHAT,
        usageSwitch: "required",
        outputLimitFields: OPENAI_LIMITS,
        counting: { reasoning: "outside", audioInput: "inside" },
      },
      "openai-responses": RESPONSES, // Here its reasoning is inside.
    },
    abortPolicy: "abort",
  },
  {
    id: "deepseek",
    aliases: [],
    name: "DeepSeek",
    baseUrl: "https://api.deepseek.com",
    keyRequired: true,
    endpoints: {
      "openai-chat": { ...CHAT, replaces: ["/anthropic/v1", "/anthropic"] },
      "openai-responses": { ...RESPONSES, replaces: COMPAT_BASES },
      // https://api-docs.deepseek.com/guides/anthropic_api
      "anthropic-messages": {
        ...MESSAGES,
        path: "/anthropic/v1/messages",
        replaces: COMPAT_BASES,
      },
    },
    abortPolicy: "abort",
  },
  {
    id: "mistral",
    aliases: ["mistralai"],
    name: "Mistral",
    baseUrl: "https://api.mistral.ai/v1",
    keyRequired: true,
    endpoints: {
      // It answers 422 to stream_options and to max_completion_tokens.
      "openai-chat": {
        ...CHAT,
        usageSwitch: "rejected",
        counting: { reasoning: "inside", audioInput: "outside" },
      },
    },
    abortPolicy: "drain",
  },
  {
    id: "moonshot",
    aliases: ["moonshotai"],
    name: "Moonshot",
    baseUrl: "https://api.moonshot.ai",
    keyRequired: true,
    endpoints: {
      "openai-chat": {
        ...CHAT,
        path: "/v1/chat/completions",
        replaces: COMPAT_BASES,
        outputLimitFields: EITHER_LIMIT,
      },
      // https://platform.kimi.ai/docs/api/overview has this and the next.
      "openai-responses": { ...RESPONSES, path: "/v1/responses", replaces: COMPAT_BASES },
      "anthropic-messages": {
        ...MESSAGES,
        path: "/anthropic/v1/messages",
        replaces: COMPAT_BASES,
        keyHeader: "authorization: Bearer",
      },
    },
    abortPolicy: "drain", // Nothing is known; the report is right either way.
  },
  {
    id: "dashscope",
    aliases: ["alibaba-dashscope", "alibaba", "qwen"],
    name: "Alibaba DashScope",
    baseUrl: "https://dashscope-intl.aliyuncs.com",
    keyRequired: true,
    endpoints: {
      "openai-chat": {
        ...CHAT,
        path: "/compatible-mode/v1/chat/completions",
        replaces: DASHSCOPE_BASES,
        usageSwitch: "required",
      },
      // https://www.alibabacloud.com/help/en/model-studio/anthropic-api-messages
      "anthropic-messages": {
        ...MESSAGES,
        path: "/apps/anthropic/v1/messages",
        replaces: DASHSCOPE_BASES,
      },
    },
    // The list says that billing goes on, Alibaba that it stops: the report is right either way.
    abortPolicy: "drain",
  },
  {
    id: "zai",
    aliases: ["z-ai", "zhipuai", "zhipu"],
    name: "Z.ai",
    baseUrl: "https://api.z.ai/api",
    keyRequired: true,
    endpoints: {
      "openai-chat": {
        ...CHAT,
        path: "/paas/v4/chat/completions",
        replaces: ZAI_BASES,
        usageSwitch: "required", // Only seen with it; accepted.
      },
      // https://docs.z.ai/scenario-example/develop-tools/claude; the token is sent as Bearer.
      "anthropic-messages": {
        ...MESSAGES,
        path: "/anthropic/v1/messages",
        replaces: ZAI_BASES,
        keyHeader: "authorization: Bearer",
      },
    },
    abortPolicy: "drain", // Nothing is known; the report is right either way.
  },
];

/**
 * Providers that serve models of others.
 *
 * Abort policies without another source are from OpenRouter's list of where a cancelled stream
 * stops billing (https://openrouter.ai/docs/api-reference/streaming).
 */
import type { Provider } from "../provider.ts";
import { CHAT, EITHER_LIMIT, MESSAGES, OPENAI_LIMITS, RESPONSES } from "./endpoints.ts";

/** A resource's own address, and what the base URLs of the SDKs add to it. */
const AZURE_BASES = ["/openai/v1", "/openai", "/anthropic/v1", "/anthropic"] as const;

export const MODEL_HOSTS: readonly Provider[] = [
  {
    id: "azure",
    aliases: ["azure-openai", "azure-foundry"],
    name: "Azure OpenAI",
    // https://{resource}.openai.azure.com, or .services.ai.azure.com for Claude too.
    baseUrl: null,
    keyRequired: true,
    endpoints: {
      "openai-chat": {
        ...CHAT,
        path: "/openai/v1/chat/completions",
        replaces: AZURE_BASES,
        keyHeader: "api-key",
        usageSwitch: "required",
        outputLimitFields: OPENAI_LIMITS,
      },
      "openai-responses": {
        ...RESPONSES,
        path: "/openai/v1/responses",
        replaces: AZURE_BASES,
        keyHeader: "api-key",
      },
      // https://platform.claude.com/docs/en/build-with-claude/claude-in-microsoft-foundry
      "anthropic-messages": {
        ...MESSAGES,
        path: "/anthropic/v1/messages",
        replaces: AZURE_BASES,
      },
    },
    abortPolicy: "abort",
  },
  {
    id: "groq",
    aliases: [],
    name: "Groq",
    baseUrl: "https://api.groq.com/openai/v1",
    keyRequired: true,
    endpoints: {
      "openai-chat": { ...CHAT, outputLimitFields: OPENAI_LIMITS },
      "openai-responses": RESPONSES, // https://console.groq.com/docs/openai
    },
    abortPolicy: "drain",
  },
  {
    id: "openrouter",
    aliases: [],
    name: "OpenRouter",
    baseUrl: "https://openrouter.ai/api/v1",
    keyRequired: true,
    endpoints: {
      "openai-chat": { ...CHAT, outputLimitFields: EITHER_LIMIT },
      "openai-responses": RESPONSES,
      "anthropic-messages": { ...MESSAGES, keyHeader: "authorization: Bearer" },
    },
    abortPolicy: "drain", // It depends on the provider behind it, which is not known beforehand.
  },
  {
    id: "fireworks",
    aliases: ["fireworks-ai"],
    name: "Fireworks",
    baseUrl: "https://api.fireworks.ai/inference/v1",
    keyRequired: true,
    endpoints: {
      "openai-chat": { ...CHAT, usageSwitch: "required" },
      "openai-responses": RESPONSES, // https://docs.fireworks.ai/guides/response-api
      // https://docs.fireworks.ai/tools-sdks/anthropic-compatibility
      "anthropic-messages": { ...MESSAGES, keyHeader: "authorization: Bearer" },
    },
    abortPolicy: "abort",
  },
  {
    id: "together",
    aliases: ["togetherai", "together-ai"],
    name: "Together",
    baseUrl: "https://api.together.ai/v1",
    keyRequired: true,
    endpoints: { "openai-chat": CHAT },
    abortPolicy: "abort",
  },
  {
    id: "cerebras",
    aliases: [],
    name: "Cerebras",
    baseUrl: "https://api.cerebras.ai/v1",
    keyRequired: true,
    endpoints: {
      "openai-chat": {
        ...CHAT,
        usageSwitch: "required", // Only seen with it; accepted.
        outputLimitFields: OPENAI_LIMITS,
      },
    },
    abortPolicy: "drain", // Nothing is known; the report is right either way.
  },
  {
    id: "perplexity",
    aliases: [],
    name: "Perplexity",
    baseUrl: "https://api.perplexity.ai",
    keyRequired: true,
    endpoints: {
      "openai-chat": { ...CHAT, replaces: ["/v1"] }, // Until Sonar's retirement, 2026-09-27.
      "openai-responses": { ...RESPONSES, path: "/v1/responses", replaces: ["/v1"] },
    },
    abortPolicy: "drain",
  },
  {
    id: "ollama",
    aliases: [],
    name: "Ollama",
    baseUrl: "http://localhost:11434/v1",
    keyRequired: false,
    endpoints: {
      "openai-chat": { ...CHAT, usageSwitch: "required" }, // As every compatible server; see below.
      "openai-responses": RESPONSES,
      // https://docs.ollama.com/api/anthropic-compatibility
      "anthropic-messages": { ...MESSAGES, keyHeader: "authorization: Bearer" },
    },
    abortPolicy: "abort", // One's own machine bills nothing, and stops when the connection does.
  },
];

/**
 * A provider without a row: any server that speaks OpenAI's dialects, by its address alone. Usage is
 * asked for, as OpenAI's own API has it: vLLM, llama.cpp, LM Studio, SGLang and most gateways need it
 * or ignore it, and a stream without usage can only be estimated. `max_tokens` is what all of them
 * obey; a client's `max_completion_tokens` is left, since models that need it reject the other. What
 * is known of nobody's billing is drained: the report is right either way.
 *
 * @param id its name in `provider:model`; its address is in `<ID>_BASE_URL`.
 */
export function compatibleProvider(id: string): Provider {
  return {
    id,
    aliases: [],
    name: id,
    baseUrl: null,
    keyRequired: true,
    endpoints: {
      "openai-chat": { ...CHAT, usageSwitch: "required", outputLimitFields: EITHER_LIMIT },
      "openai-responses": RESPONSES,
    },
    abortPolicy: "drain",
  };
}

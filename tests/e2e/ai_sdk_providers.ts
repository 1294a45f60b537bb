/**
 * Every provider package of Vercel's `ai` that has a row in our table, pointed at the proxy by its
 * base URL and a user's token alone.
 */
import { createAlibaba } from "@ai-sdk/alibaba";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createAzure } from "@ai-sdk/azure";
import { createCerebras } from "@ai-sdk/cerebras";
import { createDeepSeek } from "@ai-sdk/deepseek";
import { createFireworks } from "@ai-sdk/fireworks";
import { createGoogle } from "@ai-sdk/google";
import { createGroq } from "@ai-sdk/groq";
import { createMistral } from "@ai-sdk/mistral";
import { createMoonshotAI } from "@ai-sdk/moonshotai";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createPerplexity } from "@ai-sdk/perplexity";
import { createTogetherAI } from "@ai-sdk/togetherai";
import { createXai } from "@ai-sdk/xai";
import { createOpenRouter } from "@openrouter/ai-sdk-provider";
import type { LanguageModel } from "ai";

/** How each of them is configured, and nothing else. */
export interface Settings {
  readonly apiKey: string;
  /** Ends with the version that the package's own base URL ends with. */
  readonly baseURL: string;
}

/** A package, or one of the dialects that it speaks. */
export interface AiProvider {
  readonly name: string;
  readonly model: (settings: Settings, model: string) => LanguageModel;
  /** As the test asks for it: with `:`, with `/`, or bare where no other provider has the name. */
  readonly asked: string;
  /** `provider:model`, as it is charged. */
  readonly charged: string;
  /** `v1` unless told. */
  readonly version?: "v1beta";
  /** What an aborted stream costs: what was received, or all, since the provider bills it. */
  readonly onAbort: "abort" | "drain";
  /** False where the package has no tools. */
  readonly hasTools?: false;
  /** False where it wants numbers for codes, drops our error, and shows the status alone. */
  readonly readsErrors?: false;
}

const LLAMA = "llama-3.3-70b-versatile";

/** A package that speaks Chat Completions for a provider of its own name. */
function hosted(
  name: string,
  model: AiProvider["model"],
  onAbort: AiProvider["onAbort"],
  more: Partial<AiProvider> = {},
): AiProvider {
  return { name, model, asked: `${name}:${LLAMA}`, charged: `${name}:${LLAMA}`, onAbort, ...more };
}

export const AI_PROVIDERS: readonly AiProvider[] = [
  {
    name: "openai, chat",
    model: (settings, model) => createOpenAI(settings).chat(model),
    asked: "openai:gpt-4o",
    charged: "openai:gpt-4o",
    onAbort: "abort",
  },
  {
    name: "openai, responses",
    model: (settings, model) => createOpenAI(settings)(model),
    // By its bare name the package knows it for one that thinks, and refers to what it thought.
    asked: "gpt-5-mini",
    charged: "openai:gpt-5-mini",
    onAbort: "drain",
  },
  {
    name: "anthropic",
    model: (settings, model) => createAnthropic(settings)(model),
    asked: "claude-sonnet-4-5",
    charged: "anthropic:claude-sonnet-4-5",
    onAbort: "abort",
  },
  {
    name: "google, by a bare name",
    model: (settings, model) => createGoogle(settings)(model),
    asked: "gemini-2.5-flash",
    charged: "google:gemini-2.5-flash",
    version: "v1beta",
    onAbort: "drain",
  },
  {
    name: "google, by provider/model",
    model: (settings, model) => createGoogle(settings)(model),
    asked: "google/gemini-2.5-flash-lite",
    charged: "google:gemini-2.5-flash-lite",
    version: "v1beta",
    onAbort: "drain",
  },
  {
    name: "xai",
    model: (settings, model) => createXai(settings)(model),
    asked: "grok-3-mini",
    charged: "xai:grok-3-mini",
    onAbort: "drain",
  },
  {
    name: "azure, chat",
    model: (settings, model) => createAzure(settings).chat(model),
    asked: "azure:gpt-4o",
    charged: "azure:gpt-4o",
    onAbort: "abort",
  },
  {
    name: "azure, responses",
    model: (settings, model) => createAzure(settings)(model),
    asked: "azure/gpt-4o",
    charged: "azure:gpt-4o",
    onAbort: "abort",
  },
  {
    name: "deepseek",
    model: (settings, model) => createDeepSeek(settings)(model),
    asked: "deepseek-chat",
    charged: "deepseek:deepseek-chat",
    onAbort: "abort",
  },
  {
    name: "mistral",
    model: (settings, model) => createMistral(settings)(model),
    asked: "mistral/mistral-large-latest",
    charged: "mistral:mistral-large-latest",
    onAbort: "drain",
  },
  {
    name: "openrouter",
    model: (settings, model) => createOpenRouter(settings)(model),
    asked: "openrouter:openai/gpt-4o-mini",
    charged: "openrouter:openai/gpt-4o-mini",
    onAbort: "drain",
  },
  {
    name: "openai-compatible",
    model: (settings, model) =>
      createOpenAICompatible({ ...settings, name: "farebox", includeUsage: true })(model),
    asked: "openai:gpt-4o-mini",
    charged: "openai:gpt-4o-mini",
    onAbort: "abort",
  },
  hosted("groq", (settings, model) => createGroq(settings)(model), "drain"),
  hosted("fireworks", (settings, model) => createFireworks(settings)(model), "abort"),
  hosted("together", (settings, model) => createTogetherAI(settings)(model), "abort"),
  hosted("cerebras", (settings, model) => createCerebras(settings)(model), "drain"),
  hosted("moonshot", (settings, model) => createMoonshotAI(settings)(model), "drain"),
  hosted("dashscope", (settings, model) => createAlibaba(settings)(model), "drain"),
  hosted("perplexity", (settings, model) => createPerplexity(settings)(model), "drain", {
    hasTools: false,
    readsErrors: false,
  }),
];

/** What our providers are called elsewhere. A provider that is not here is called the same there. */

export interface ProviderNames {
  /** In the catalogue; `null` where it has none of their prices. */
  readonly catalogue: string | null;
  /** `litellm_provider` in a file of LiteLLM's format. */
  readonly liteLlm: string;
  /** Before the slash in OpenRouter's names, where OpenRouter resells the provider itself. */
  readonly openRouter: string | null;
  /** What of the catalogue's list is sold there: Google's also has what Vertex resells. */
  readonly sells?: RegExp;
}

const ROWS: Readonly<Record<string, ProviderNames>> = {
  openai: { catalogue: "openai", liteLlm: "openai", openRouter: "openai" },
  anthropic: { catalogue: "anthropic", liteLlm: "anthropic", openRouter: "anthropic" },
  google: {
    catalogue: "google",
    liteLlm: "gemini",
    openRouter: "google",
    sells: /^(gemini|gemma)-/,
  },
  azure: { catalogue: "azure", liteLlm: "azure", openRouter: null },
  xai: { catalogue: "x-ai", liteLlm: "xai", openRouter: "x-ai" },
  groq: { catalogue: "groq", liteLlm: "groq", openRouter: null },
  deepseek: { catalogue: "deepseek", liteLlm: "deepseek", openRouter: "deepseek" },
  mistral: { catalogue: "mistral", liteLlm: "mistral", openRouter: "mistralai" },
  openrouter: { catalogue: "openrouter", liteLlm: "openrouter", openRouter: null },
  fireworks: { catalogue: "fireworks", liteLlm: "fireworks_ai", openRouter: null },
  together: { catalogue: "together", liteLlm: "together_ai", openRouter: null },
  cerebras: { catalogue: "cerebras", liteLlm: "cerebras", openRouter: null },
  perplexity: { catalogue: "perplexity", liteLlm: "perplexity", openRouter: "perplexity" },
  moonshot: { catalogue: "moonshotai", liteLlm: "moonshot", openRouter: "moonshotai" },
  dashscope: { catalogue: null, liteLlm: "dashscope", openRouter: null },
  zai: { catalogue: "zai", liteLlm: "zai", openRouter: "z-ai" },
  ollama: { catalogue: null, liteLlm: "ollama", openRouter: null },
};

/** Every provider of ours that the catalogue has prices for: what `--all` adds. */
export const PRICED_PROVIDERS: readonly string[] = Object.keys(ROWS)
  .filter((id) => ROWS[id]?.catalogue !== null);

/** The other names of provider `id`. */
export function namesOf(id: string): ProviderNames {
  return ROWS[id] ?? { catalogue: id, liteLlm: id, openRouter: null };
}

/** Splits `provider:model` at its first colon; `null` where it is no such name. */
export function splitName(name: string): { providerId: string; modelId: string } | null {
  const match = /^([a-z0-9][a-z0-9_-]{0,63}):(\S.{0,199})$/.exec(name);
  return match === null ? null : { providerId: match[1] ?? "", modelId: match[2] ?? "" };
}

/** Which models the demo provider has, and what the real ones are picky about. */

/** The models that a new project has prices for, and the dated version that answers name. */
const MODELS: Readonly<Record<string, string>> = {
  "claude-3-5-haiku-latest": "claude-3-5-haiku-20241022",
  "claude-haiku-4-5": "claude-haiku-4-5-20251001",
  "claude-opus-4-1": "claude-opus-4-1-20250805",
  "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
  "deepseek-chat": "deepseek-chat",
  "deepseek-reasoner": "deepseek-reasoner",
  "gemini-2.5-flash": "gemini-2.5-flash",
  "gemini-2.5-flash-lite": "gemini-2.5-flash-lite",
  "gemini-2.5-pro": "gemini-2.5-pro",
  "gpt-4.1": "gpt-4.1-2025-04-14",
  "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
  "gpt-4.1-nano": "gpt-4.1-nano-2025-04-14",
  "gpt-4o": "gpt-4o-2024-08-06",
  "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
  "gpt-5": "gpt-5-2025-08-07",
  "gpt-5-mini": "gpt-5-mini-2025-08-07",
  "gpt-5-nano": "gpt-5-nano-2025-08-07",
  "grok-3-mini": "grok-3-mini",
  "grok-4": "grok-4-0709",
  "llama-3.3-70b-versatile": "llama-3.3-70b-versatile",
  "mistral-large-latest": "mistral-large-latest",
  "o3": "o3-2025-04-16",
  "o4-mini": "o4-mini-2025-04-16",
};

/** Whether a model thinks first: always, only when the request asks for it, or never. */
export type Thinking = "always" | "on_request" | "never";

export interface DemoModel {
  readonly id: string;
  /** The name in the answer. */
  readonly snapshot: string;
  readonly thinking: Thinking;
  /** Takes `max_completion_tokens` only, and no `temperature`. */
  readonly isOpenAiReasoning: boolean;
  /** True where Chat Completions streams what it thinks. */
  readonly showsReasoning: boolean;
  readonly outputTokensMax: number;
}

export class DemoModels {
  readonly #ids: ReadonlySet<string>;

  /** @param more names to answer to besides the built-in ones. */
  constructor(more: readonly string[] = []) {
    this.#ids = new Set([...Object.keys(MODELS), ...more]);
  }

  /** By its name, its dated version, or the name that OpenRouter gives it (`vendor/name`). */
  find(id: string): DemoModel | undefined {
    const name = this.#ids.has(id) ? id : id.replace(/^[\w-]+\//, "");
    const alias = Object.keys(MODELS).find((alias) => MODELS[alias] === name) ?? name;
    if (!this.#ids.has(alias)) return undefined;
    return {
      id: alias,
      snapshot: MODELS[alias] ?? alias,
      thinking: thinkingOf(alias),
      isOpenAiReasoning: /^(o\d|gpt-5)/.test(alias),
      showsReasoning: /^(deepseek-reasoner|grok-3-mini)/.test(alias),
      outputTokensMax: outputTokensMaxOf(alias),
    };
  }

  list(): string[] {
    return [...this.#ids].sort();
  }
}

function thinkingOf(id: string): Thinking {
  if (/^(o\d|gpt-5|deepseek-reasoner|grok-|gemini-2\.5-(pro|flash$))/.test(id)) return "always";
  return /^(claude-(opus|sonnet|haiku)-4|gemini-2\.5)/.test(id) ? "on_request" : "never";
}

function outputTokensMaxOf(id: string): number {
  if (id.startsWith("gpt-4o")) return 16_384;
  if (id.startsWith("gpt-4.1")) return 32_768;
  if (id.startsWith("claude-3-5-haiku")) return 8_192;
  if (id.startsWith("claude-opus-4-1")) return 32_000;
  if (id.startsWith("claude-")) return 64_000;
  if (id.startsWith("gemini-2.5")) return 65_536;
  return 128_000;
}

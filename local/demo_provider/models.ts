/** Which models the demo provider has, and what the real ones are picky about. */

/** Model names that the OpenAI dialect answers to, those of other vendors who speak it included. */
const MODELS: readonly string[] = [
  "deepseek-chat",
  "deepseek-reasoner",
  "gpt-4.1",
  "gpt-4.1-mini",
  "gpt-4.1-nano",
  "gpt-4o",
  "gpt-4o-mini",
  "gpt-5",
  "gpt-5-mini",
  "gpt-5-nano",
  "grok-3-mini",
  "grok-4",
  "llama-3.3-70b-versatile",
  "mistral-large-latest",
  "o3",
  "o4-mini",
];

/** Answers name the dated version behind an alias. */
const SNAPSHOTS: Readonly<Record<string, string>> = {
  "gpt-4.1": "gpt-4.1-2025-04-14",
  "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
  "gpt-4.1-nano": "gpt-4.1-nano-2025-04-14",
  "gpt-4o": "gpt-4o-2024-08-06",
  "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
  "gpt-5": "gpt-5-2025-08-07",
  "gpt-5-mini": "gpt-5-mini-2025-08-07",
  "gpt-5-nano": "gpt-5-nano-2025-08-07",
  "o3": "o3-2025-04-16",
  "o4-mini": "o4-mini-2025-04-16",
};

export interface DemoModel {
  readonly id: string;
  /** The name in the answer. */
  readonly snapshot: string;
  /** Thinks first; takes `max_completion_tokens` only, and no `temperature`. */
  readonly isReasoning: boolean;
  readonly outputTokensMax: number;
}

export class DemoModels {
  readonly #ids: ReadonlySet<string>;

  /** @param more names to answer to besides the built-in ones. */
  constructor(more: readonly string[] = []) {
    this.#ids = new Set([...MODELS, ...more]);
  }

  find(id: string): DemoModel | undefined {
    const alias = Object.keys(SNAPSHOTS).find((alias) => SNAPSHOTS[alias] === id) ?? id;
    if (!this.#ids.has(alias)) return undefined;
    const isReasoning = /^(o\d|gpt-5)/.test(alias);
    return {
      id: alias,
      snapshot: SNAPSHOTS[alias] ?? alias,
      isReasoning,
      outputTokensMax: outputTokensMaxOf(alias),
    };
  }

  list(): string[] {
    return [...this.#ids].sort();
  }
}

function outputTokensMaxOf(id: string): number {
  if (id.startsWith("gpt-4o")) return 16_384;
  if (id.startsWith("gpt-4.1")) return 32_768;
  return 128_000;
}

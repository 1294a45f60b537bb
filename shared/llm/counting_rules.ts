/**
 * How one provider counts in one dialect. The same field means different things to different
 * providers, so what a total includes is data beside the provider and not code in the dialect.
 *
 * A rule is checked against the provider's own total, where it sends one: if only the other reading
 * adds up to it, that one is charged, and flagged.
 */
export interface CountingRules {
  /**
   * Reasoning tokens and the output total. `inside`: already in it. `outside`: to be added.
   * `hidden_in_total`: reported nowhere, seen only as `total - prompt - output`.
   */
  readonly reasoning: "inside" | "outside" | "hidden_in_total";
  /** Audio input tokens and the prompt total. `outside`: to be added to the prompt. */
  readonly audioInput: "inside" | "outside";
}

/** What most providers do, and what one that we know nothing about is taken to do. */
export const DEFAULT_COUNTING: CountingRules = { reasoning: "inside", audioInput: "inside" };

/** The same by the name of the dialect: Gemini's own counts reasoning beside the candidates. */
export const COUNTING_OF_DIALECT = {
  "openai-chat": DEFAULT_COUNTING,
  "openai-responses": DEFAULT_COUNTING,
  "anthropic-messages": DEFAULT_COUNTING,
  gemini: { reasoning: "outside", audioInput: "inside" },
} as const satisfies Readonly<Record<string, CountingRules>>;

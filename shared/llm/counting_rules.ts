/**
 * How one provider counts in one dialect. The same field means different things to different
 * providers, so what a total includes is data beside the provider and not code in the dialect.
 */
export interface CountingRules {
  /**
   * Reasoning tokens and the output total. `inside`: already in it. `outside`: to be added.
   * `by_total`: whichever makes the parts add up to the provider's own total; inside when neither
   * does. `hidden_in_total`: reported nowhere, seen only as `total - prompt - output`.
   */
  readonly reasoning: "inside" | "outside" | "by_total" | "hidden_in_total";
  /** Audio input tokens and the prompt total. `outside`: to be added to the prompt. */
  readonly audioInput: "inside" | "outside";
}

/** For a provider that we know nothing about: what most do, checked against its own total. */
export const DEFAULT_COUNTING: CountingRules = { reasoning: "by_total", audioInput: "inside" };

/** What is odd about a report that is charged all the same: the operator hears of it. */
import type { MeterFlag, MeterSnapshot } from "../../../shared/llm/meter.ts";
import { promptTokens } from "../../../shared/pricing/usage.ts";

/** What a request can use. */
export type UsageBounds = {
  inputTokensMax: number;
  /** Null: nobody knows one. */
  outputTokensLimit: number | null;
};

const ODD_FLAGS: readonly MeterFlag[] = [
  "negative_count",
  "total_mismatch",
  "usage_unreadable",
  "media_exceeds_class",
  "unpriced_tool",
  "unpriced_tier",
];
/** Less beyond a bound than so much may be a matter of counting. */
const BEYOND = { times: 2, tokens: 1_000 } as const;

/** Names of what is odd: flags of the meter, and some that only the request as a whole shows. */
export function oddUsageOf(snapshot: MeterSnapshot, bounds: UsageBounds): string[] {
  const odd: string[] = snapshot.flags.filter((flag) => ODD_FLAGS.includes(flag));
  const { usage } = snapshot;
  if (usage === null) return odd;
  if (snapshot.hasContent && usage.output === 0) odd.push("content_without_output");
  // What a search finds is read into the prompt, and what other models are asked has no bound here.
  if (snapshot.webSearches > 0 || snapshot.otherModels.length > 0) return odd;
  if (isBeyond(promptTokens(usage), bounds.inputTokensMax)) odd.push("input_beyond_bound");
  if (isBeyond(usage.output, bounds.outputTokensLimit ?? Infinity)) odd.push("output_beyond_limit");
  return odd;
}

const isBeyond = (tokens: number, bound: number) => tokens > BEYOND.times * bound + BEYOND.tokens;

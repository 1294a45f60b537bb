/**
 * The fairness rule, as code: what was delivered is charged, what failed or was empty is free.
 */
import type { MeterSnapshot } from "../../../shared/llm/meter.ts";
import { type Basis, type Tokens, ZERO_TOKENS } from "../../../shared/pricing/usage.ts";
import type { End } from "./ending.ts";

export type ChargeDecision =
  | { kind: "charge"; tokens: Tokens; basis: Basis }
  | { kind: "release"; reason: "empty_answer" | "upstream_error" };

/**
 * Decides what an answer costs its reader, whole or cut short.
 *
 * - A report is charged as it stands: zero is a report, and absent is not zero. One without output
 *   for an answer without content is an empty answer.
 * - Without a report, the text that was received is estimated, and the prompt too, unless the provider
 *   has already said what it was. The provider's error messages are not text that was received.
 * - Nothing received, nothing reported: free, where the provider failed or said nothing. Where the
 *   client hung up, and not on an error, the provider had its prompt and bills it: the prompt is
 *   charged.
 *
 * @param inputTokensEstimate the prompt, fairly estimated; used only where nothing was reported.
 */
export function decideCharge(
  snapshot: MeterSnapshot,
  inputTokensEstimate: number,
  end: End,
): ChargeDecision {
  if (snapshot.usage !== null) {
    const hasOutput = snapshot.hasContent || snapshot.usage.output > 0;
    return hasOutput
      ? { kind: "charge", tokens: snapshot.usage, basis: "reported" }
      : { kind: "release", reason: "empty_answer" };
  }
  if (!snapshot.hasContent && (end !== "cancelled" || snapshot.error !== null)) {
    return {
      kind: "release",
      reason: snapshot.error ? "upstream_error" : "empty_answer",
    };
  }
  return {
    kind: "charge",
    tokens: {
      ...(snapshot.prompt ?? { ...ZERO_TOKENS, input: inputTokensEstimate }),
      output: snapshot.hasContent ? Math.max(1, snapshot.outputTokensEstimate) : 0,
    },
    basis: "estimated",
  };
}

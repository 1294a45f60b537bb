/** A chat's charges as its answers: a charge and its correction are one answer. */
import type { ChatCosts, Tokens } from "../client/types.ts";
import { sumAmounts } from "./amount.ts";
import { formatCount } from "./money_text.ts";

export interface AnswerCost {
  readonly requestId: string;
  readonly model: string;
  readonly cost: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly isEstimated: boolean;
  /** ISO 8601. */
  readonly createdAt: string;
}

/** In the order in which they were given. */
export function answersOf(costs: ChatCosts): AnswerCost[] {
  const answers = new Map<string, AnswerCost>();
  for (const message of costs.messages) {
    const before = answers.get(message.request_id);
    answers.set(message.request_id, {
      requestId: message.request_id,
      model: message.model,
      cost: sumAmounts([before?.cost ?? "0", message.cost]),
      tokensIn: (before?.tokensIn ?? 0) + tokensIn(message.tokens),
      tokensOut: (before?.tokensOut ?? 0) + message.tokens.output,
      isEstimated: message.basis !== "reported",
      createdAt: before?.createdAt ?? message.created_at,
    });
  }
  return [...answers.values()];
}

/** All that was read, from a cache or not. Sound and images are within these classes. */
export function tokensIn(tokens: Tokens): number {
  return tokens.input + tokens.cache_read + tokens.cache_write_5m + tokens.cache_write_1h;
}

/** `8 in, 101 out` */
export function tokensText(input: number, output: number): string {
  return `${formatCount(input)} in, ${formatCount(output)} out`;
}

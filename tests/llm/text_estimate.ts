import { createTextTokens } from "../../shared/llm/text_tokens.ts";

/** Fair estimate of the tokens of a text that comes at once. */
export function estimateTokens(text: string): number {
  const tokens = createTextTokens();
  tokens.add(text);
  return tokens.estimate();
}

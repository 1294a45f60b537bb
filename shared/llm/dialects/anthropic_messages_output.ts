import type { CountedOutput } from "../answer_so_far.ts";
import { createTextTokens } from "../text_tokens.ts";

/**
 * Claude makes about an eighth more tokens of a text than the estimate, which is fitted to o200k.
 * Measured over the recorded answers: 1.08 to 1.13 on the long ones.
 */
const TEXT_EIGHTHS = 9;
/** The markup of a call, beside its name and input: 35 to 43 in every recorded call. */
const CALL_TOKENS = 38;
const CALL_TOKENS_MAX = 80;
/** The markup of a citation; the cited text itself is free. 6 to 12 in the recorded answers. */
const CITATION_TOKENS = 8;
const CITATION_TOKENS_MAX = 30;
/** What opens and closes a message. */
const MESSAGE_TOKENS_MAX = 8;

/** Counts what a model wrote, as it comes. */
export interface Output extends CountedOutput {
  /** Text of any kind; a piece goes on where the last one ended. */
  text(text: string): void;
  /** A tool is called, at the client or at the provider. */
  call(): void;
  citations(count: number): void;
}

export function createOutput(): Output {
  const text = createTextTokens();
  let calls = 0;
  let cited = 0;

  function upper(): number {
    const tokens = text.upper() + calls * CALL_TOKENS_MAX + cited * CITATION_TOKENS_MAX;
    return tokens === 0 ? 0 : tokens + MESSAGE_TOKENS_MAX;
  }

  return {
    text: text.add,
    call: () => void calls++,
    citations: (count) => void (cited += count),
    estimate() {
      const tokens = claudeTokens(text.estimate()) + calls * CALL_TOKENS + cited * CITATION_TOKENS;
      return Math.min(tokens, upper());
    },
    upper,
  };
}

/** What an estimate of a text is for Claude. */
export function claudeTokens(estimate: number): number {
  return Math.ceil(estimate * TEXT_EIGHTHS / 8);
}

/** Remembers conversations, so that a longer one with the same start reports cached tokens. */
import { createHash } from "node:crypto";

/** Prompts are cached from this length on, by OpenAI in steps. */
export const TOKENS_MIN = 1024;
const STEP_TOKENS = 128;
const ENTRIES_MAX = 2_000;

export class PromptCache {
  /**
   * Conversation starts, in the order of their last use. Each as a hash of its last message and of
   * the start before: as text, a conversation of thousands of messages would fill the memory.
   */
  readonly #seen = new Map<string, true>();

  /**
   * Prompt tokens of this request that were in the cache; the request is then remembered.
   * @param messages each message as text, with its tokens.
   * @param stepTokens the count is rounded down to a multiple of it.
   */
  use(
    messages: readonly { readonly text: string; readonly tokens: number }[],
    stepTokens = STEP_TOKENS,
  ): number {
    let prefix = "";
    let tokens = 0;
    let cached = 0;
    for (const message of messages) {
      prefix = createHash("sha256").update(prefix).update(message.text).digest("base64");
      tokens += message.tokens;
      if (this.#seen.delete(prefix) && tokens >= TOKENS_MIN) cached = tokens;
      this.#seen.set(prefix, true);
    }
    for (const oldest of this.#seen.keys()) {
      if (this.#seen.size <= ENTRIES_MAX) break;
      this.#seen.delete(oldest);
    }
    return cached - cached % stepTokens;
  }
}

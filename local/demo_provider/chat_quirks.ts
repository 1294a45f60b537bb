/**
 * How providers differ in Chat Completions, as data: where a stream has its usage, and what stands
 * around the events. How they count is in the provider table (shared/llm/providers.ts).
 */

export interface ChatQuirks {
  /**
   * Which chunk has the usage: one of its own without choices, the one with the finish reason, one
   * more with an empty choice after that, or every one. `groq`: the finish chunk has it twice.
   * `finish_choice`: in the choice with the finish reason, not beside it.
   */
  readonly usageIn:
    | "own_chunk"
    | "finish_chunk"
    | "chunk_after_finish"
    | "every_chunk"
    | "groq"
    | "finish_choice";
  /** True where the chunks before have `usage: null`. */
  readonly hasNullBefore: boolean;
  readonly hasDone: boolean;
  readonly crlf: boolean;
  /** A comment before the first event. */
  readonly comment: string | null;
  /** A chunk without choices that is no usage, before the first one. */
  readonly hasFilterChunk: boolean;
  /** What stands before the JSON of a whole answer while the model works. */
  readonly padding: string;
  /** Under which name visible reasoning is streamed. */
  readonly reasoningField: "reasoning_content" | "reasoning";
}

const OPENAI: ChatQuirks = {
  usageIn: "own_chunk",
  hasNullBefore: true,
  hasDone: true,
  crlf: false,
  comment: null,
  hasFilterChunk: false,
  padding: "",
  reasoningField: "reasoning_content",
};
const COMPATIBLE: ChatQuirks = { ...OPENAI, hasNullBefore: false };
const IN_FINISH: ChatQuirks = { ...COMPATIBLE, usageIn: "finish_chunk" };

const QUIRKS: Readonly<Record<string, ChatQuirks>> = {
  openai: OPENAI,
  azure: { ...OPENAI, hasFilterChunk: true },
  dashscope: OPENAI,
  anthropic: COMPATIBLE,
  xai: COMPATIBLE,
  fireworks: COMPATIBLE,
  ollama: COMPATIBLE,
  google: { ...COMPATIBLE, usageIn: "every_chunk" },
  groq: { ...COMPATIBLE, usageIn: "groq", reasoningField: "reasoning" },
  deepseek: { ...IN_FINISH, hasNullBefore: true, comment: "keep-alive", padding: "\n\n\n" },
  mistral: IN_FINISH,
  moonshot: { ...COMPATIBLE, usageIn: "finish_choice" },
  zai: IN_FINISH,
  together: { ...IN_FINISH, hasNullBefore: true, reasoningField: "reasoning" },
  cerebras: { ...IN_FINISH, hasDone: false, reasoningField: "reasoning" },
  perplexity: { ...COMPATIBLE, usageIn: "every_chunk", hasDone: false, crlf: true },
  openrouter: {
    ...COMPATIBLE,
    usageIn: "chunk_after_finish",
    comment: "OPENROUTER PROCESSING",
    padding: "\n         \n\n         \n",
    reasoningField: "reasoning",
  },
};

/** A provider that is not listed speaks as OpenAI does. */
export function chatQuirks(provider: string): ChatQuirks {
  return QUIRKS[provider] ?? OPENAI;
}

/** Decides everything about an answer before its first byte; the dialects only put it on the wire. */
import { composeAnswer, composeThoughts } from "./answer.ts";
import type { Ask } from "./ask.ts";
import type { Timing } from "./timing.ts";
import { tokenize } from "./tokens.ts";

/** Tokens in disjoint parts; how they add up to a provider's fields is the dialect's matter. */
export interface Counts {
  /** The whole prompt: what was read from the cache and written to it is inside. */
  readonly prompt: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  /** Words or arguments, without reasoning. */
  readonly words: number;
  readonly reasoning: number;
}

/** What of the prompt was in the provider's cache, and what went into it. */
export type CacheUse = Pick<Counts, "cacheRead" | "cacheWrite5m" | "cacheWrite1h">;

/** A token as it is streamed. */
export interface Piece {
  readonly kind: "reasoning" | "text" | "arguments";
  readonly text: string;
}

export interface Answer {
  readonly ask: Ask;
  /** Seconds since 1970. */
  readonly created: number;
  /** All that the client gets to see, in order; hidden reasoning is only counted. */
  readonly pieces: readonly Piece[];
  readonly finish: "stop" | "length" | "tool_call";
  readonly counts: Counts;
  readonly firstTokenMs: number;
  readonly tokenMs: number;
}

export function decideAnswer(ask: Ask, cacheUse: CacheUse, timing: Timing): Answer {
  const { script } = ask;
  const limit = ask.outputTokensMax ?? Infinity;
  const reasoning = script.empty ? 0 : Math.min(ask.reasoningTokens, limit);
  const wanted = wantedTokens(ask);
  const words = wanted.slice(0, Math.max(0, limit - reasoning));
  const shown = ask.showsReasoning ? composeThoughts(ask.question, reasoning) : [];
  const spread = timing.firstTokenMsMax - timing.firstTokenMsMin;
  const kind = ask.toolCall === null ? "text" : "arguments";
  return {
    ask,
    created: Math.floor(Date.now() / 1000),
    pieces: [
      ...shown.map((text): Piece => ({ kind: "reasoning", text })),
      ...words.map((text): Piece => ({ kind, text })),
    ],
    finish: words.length < wanted.length
      ? "length"
      : ask.toolCall === null || script.empty
      ? "stop"
      : "tool_call",
    counts: {
      prompt: ask.promptTokens,
      cacheRead: script.cached_tokens ?? cacheUse.cacheRead,
      cacheWrite5m: script.cache_write_tokens ?? cacheUse.cacheWrite5m,
      cacheWrite1h: script.cache_write_1h_tokens ?? cacheUse.cacheWrite1h,
      words: words.length,
      reasoning,
    },
    firstTokenMs: script.first_token_ms ?? timing.firstTokenMsMin + Math.random() * spread,
    tokenMs: script.token_ms ?? timing.tokenMs,
  };
}

function wantedTokens({ script, toolCall, question }: Ask): string[] {
  if (script.empty) return [];
  if (toolCall !== null) return tokenize(toolCall.arguments);
  if (script.text !== undefined) return tokenize(script.text);
  return composeAnswer(question, script.output_tokens);
}

/** The pieces of one kind as text. */
export function textOf(answer: Answer, kind: Piece["kind"]): string {
  return answer.pieces.filter((piece) => piece.kind === kind).map((piece) => piece.text).join("");
}

import { type MediaTokens, NO_MEDIA, type Tokens } from "../../pricing/usage.ts";
import type { CountingRules } from "../counting_rules.ts";
import { isAbsurd, readCount, type UsageReport } from "../counts.ts";
import type { JsonObject } from "../dialect.ts";
import type { MeterFlag } from "../meter.ts";
import { readProviderCost } from "../provider_cost.ts";
import { type Details, hasUnpricedTools, readDetails } from "./openai_chat_details.ts";

/**
 * Reads a `usage` object of Chat Completions by the provider's counting rules. Streamed and whole
 * answers share it.
 *
 * @returns `null` where it does not tell both sides, as in the nulls that some providers send before
 * the end: that is no report, and no zero; or `"unreadable"` where its counts are not counts.
 */
export function readUsage(
  usage: JsonObject,
  rules: CountingRules,
): UsageReport | null | "unreadable" {
  const flags = new Set<MeterFlag>();
  const prompt = readCount(usage.prompt_tokens, flags);
  const total = readCount(usage.total_tokens, flags);
  const completion = readCount(usage.completion_tokens, flags);
  if (prompt === "unreadable" || completion === "unreadable" || total === "unreadable") {
    return "unreadable";
  }
  if (prompt === null || (completion === null && total === null)) return null;
  const details = readDetails(usage, flags);
  if (hasUnpricedTools(usage)) flags.add("unpriced_tool");
  const reading = completion === null
    ? readBelowTotal(prompt, total ?? 0, rules, details)
    : readByTotal(prompt, completion, total, rules, details, flags);
  const tokens: Tokens = {
    ...splitPrompt(reading.prompt, details, flags),
    output: reading.output,
  };
  if (isAbsurd(tokens)) return "unreadable";
  return {
    tokens,
    reasoningTokens: details.reasoning,
    media: readMedia(details, tokens, flags),
    webSearches: details.webSearches,
    providerCost: readProviderCost(usage),
    flags: [...flags],
  };
}

/** One way to understand what the two headlines include. */
interface Reading {
  readonly prompt: number;
  readonly output: number;
}

/** Where only the prompt and the total are told, the rest is output. */
function readBelowTotal(
  prompt: number,
  total: number,
  rules: CountingRules,
  details: Details,
): Reading {
  const whole = prompt + (rules.audioInput === "outside" ? details.audioInput : 0);
  return { prompt: whole, output: Math.max(0, total - whole) };
}

/** Both sides by the provider's rule; or else by the one other reading that adds up to its total. */
function readByTotal(
  prompt: number,
  completion: number,
  total: number | null,
  rules: CountingRules,
  details: Details,
  flags: Set<MeterFlag>,
): Reading {
  const reasoning = details.reasoning ?? 0;
  const cached = details.cacheRead + details.cacheWrite5m + details.cacheWrite1h;
  const read = (hasAudio: boolean, hasReasoning: boolean, hasCache: boolean): Reading => ({
    prompt: prompt + (hasAudio ? 0 : details.audioInput) + (hasCache ? 0 : cached),
    output: completion + (hasReasoning ? 0 : reasoning),
  });
  const audio = rules.audioInput === "inside";
  if (rules.reasoning === "hidden_in_total") {
    const { prompt } = read(audio, true, true);
    if (total !== null && total < prompt + completion) flags.add("total_mismatch");
    return { prompt, output: Math.max(completion, (total ?? 0) - prompt) };
  }
  const inside = rules.reasoning === "inside";
  const byRule = read(audio, inside, true);
  const fits = (reading: Reading) => total === null || reading.prompt + reading.output === total;
  let found = byRule;
  if (!fits(byRule)) {
    // Nearest first: what one provider counts otherwise is mostly one thing.
    const others = [
      read(audio, !inside, true),
      read(!audio, inside, true),
      read(audio, inside, false), // As gateways to Anthropic pass it on.
      read(!audio, !inside, true),
      read(audio, !inside, false),
    ];
    const other = others.find(fits);
    flags.add(other === undefined ? "total_mismatch" : "counted_by_total");
    found = other ?? byRule;
  }
  if (reasoning > found.output) flags.add("reasoning_exceeds_output");
  return found;
}

/** Takes the cached tokens out of the prompt, so that each token is in one class. */
function splitPrompt(
  prompt: number,
  { cacheRead, cacheWrite5m, cacheWrite1h }: Details,
  flags: Set<MeterFlag>,
): Omit<Tokens, "output"> {
  if (cacheRead > prompt) {
    // Grok on Azure: a hidden prompt is cached and counted nowhere else.
    flags.add("cached_exceeds_prompt");
    return {
      input: prompt,
      cache_read: cacheRead,
      cache_write_5m: cacheWrite5m,
      cache_write_1h: cacheWrite1h,
    };
  }
  const written1h = Math.min(cacheWrite1h, prompt - cacheRead);
  const written5m = Math.min(cacheWrite5m, prompt - cacheRead - written1h);
  // OpenRouter with Gemini: tokens written are also reported as read.
  if (written5m + written1h < cacheWrite5m + cacheWrite1h) flags.add("cache_overlap");
  return {
    input: prompt - cacheRead - written5m - written1h,
    cache_read: cacheRead,
    cache_write_5m: written5m,
    cache_write_1h: written1h,
  };
}

/**
 * Sound and images within their classes. A count of the prompt that is above `input` is cut to it
 * without a word, as long as the rest can have been cached; beyond that it cannot be right.
 */
function readMedia(details: Details, tokens: Tokens, flags: Set<MeterFlag>): MediaTokens {
  const { audioInput, audioCached, imageInput, audioOutput, imageOutput } = details;
  if (audioInput + audioCached + imageInput + audioOutput + imageOutput === 0) return NO_MEDIA;
  const cached = tokens.cache_read + tokens.cache_write_5m + tokens.cache_write_1h;
  if (
    audioInput + imageInput > tokens.input + cached || audioCached > tokens.cache_read ||
    audioOutput + imageOutput > tokens.output
  ) {
    flags.add("media_exceeds_class");
  }
  const cacheReadAudio = Math.min(audioCached, tokens.cache_read);
  // Cached sound is inside the prompt's sound, as cached tokens are inside the prompt.
  const inputAudio = Math.min(Math.max(0, audioInput - cacheReadAudio), tokens.input);
  const outAudio = Math.min(audioOutput, tokens.output);
  return {
    input_audio: inputAudio,
    input_image: Math.min(imageInput, tokens.input - inputAudio),
    cache_read_audio: cacheReadAudio,
    output_audio: outAudio,
    output_image: Math.min(imageOutput, tokens.output - outAudio),
  };
}

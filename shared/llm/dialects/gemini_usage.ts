import type { MediaTokens, Tokens } from "../../pricing/usage.ts";
import { isAbsurd, readCount, readDetail, type UsageReport } from "../counts.ts";
import type { JsonObject } from "../dialect.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";
import type { MeterFlag } from "../meter.ts";
import { isPresent } from "./request_checks.ts";

/**
 * Reads a `usageMetadata` object. Streamed and whole answers share it.
 *
 * The documented reading, which every recorded total confirms: the prompt includes what came from a
 * cache; thoughts are outside of the candidates, and the prompts of tools outside of the prompt; the
 * total is the sum of the four. A total that says otherwise is flagged, and this reading charged. A
 * count that is zero is left out, as protocol buffers do: but without a prompt there is no report.
 *
 * @returns `null` for no report, as where there is only the kind of traffic; `"unreadable"` where
 * counts are not counts.
 */
export function readUsage(usage: JsonObject): UsageReport | null | "unreadable" {
  const flags = new Set<MeterFlag>();
  const prompt = readCount(usage.promptTokenCount, flags);
  const candidates = readCount(usage.candidatesTokenCount, flags);
  const thoughts = readCount(usage.thoughtsTokenCount, flags);
  const toolUse = readCount(usage.toolUsePromptTokenCount, flags);
  const cached = readCount(usage.cachedContentTokenCount, flags);
  const total = readCount(usage.totalTokenCount, flags);
  const counts = [prompt, candidates, thoughts, toolUse, cached, total];
  if (counts.includes("unreadable")) return "unreadable";
  if (prompt === null) return counts.every((count) => count === null) ? null : "unreadable";
  const [inPrompt, inCache] = [countOf(prompt), countOf(cached)];
  const [asked, answered] = [inPrompt + countOf(toolUse), countOf(candidates) + countOf(thoughts)];
  if (total !== null && total !== asked + answered) flags.add("total_mismatch");
  // More than there is cannot be inside; then it is counted beside it.
  if (inCache > inPrompt) flags.add("cached_exceeds_prompt");
  const tokens: Tokens = {
    input: inCache > inPrompt ? asked : asked - inCache,
    cache_read: inCache,
    cache_write_5m: 0,
    cache_write_1h: 0,
    output: answered,
  };
  if (isAbsurd(tokens)) return "unreadable";
  const media = readMedia(usage, tokens, flags);
  return {
    tokens,
    media,
    reasoningTokens: typeof thoughts === "number" ? thoughts : null,
    flags: [...flags],
  };
}

/** False where a report does not say what the answer took, as before the first count of it. */
export function tellsAnswer(usage: JsonObject): boolean {
  return isPresent(usage.candidatesTokenCount);
}

/** The tier that was served: AI Studio and Vertex have a name each for it. */
export function readServiceTier(usage: JsonObject): string | null {
  return textOf(usage.serviceTier) ?? textOf(usage.trafficType);
}

/** Sound and images, from the details by modality. Video and documents cost what their class costs. */
function readMedia(usage: JsonObject, tokens: Tokens, flags: Set<MeterFlag>): MediaTokens {
  const sum = (details: unknown, modality: string): number => {
    let tokens = 0;
    for (const detail of arrayOf(details).map(objectOf)) {
      if (textOf(detail?.modality)?.toUpperCase() !== modality) continue;
      tokens += readDetail(detail?.tokenCount, flags) ?? 0;
    }
    return tokens;
  };
  // The details of the prompt include what was cached of it, as the prompt does.
  const inputOf = (modality: string) =>
    Math.max(
      0,
      sum(usage.promptTokensDetails, modality) - sum(usage.cacheTokensDetails, modality),
    ) + sum(usage.toolUsePromptTokensDetails, modality);
  const within = (count: number, room: number) => {
    if (count > room) flags.add("media_exceeds_class");
    return Math.min(count, room);
  };
  const inputAudio = within(inputOf("AUDIO"), tokens.input);
  const outputAudio = within(sum(usage.candidatesTokensDetails, "AUDIO"), tokens.output);
  return {
    input_audio: inputAudio,
    input_image: within(inputOf("IMAGE"), tokens.input - inputAudio),
    cache_read_audio: within(sum(usage.cacheTokensDetails, "AUDIO"), tokens.cache_read),
    output_audio: outputAudio,
    output_image: within(
      sum(usage.candidatesTokensDetails, "IMAGE"),
      tokens.output - outputAudio,
    ),
  };
}

function countOf(count: number | "unreadable" | null): number {
  return typeof count === "number" ? count : 0;
}

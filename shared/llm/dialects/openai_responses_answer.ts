import { NO_MEDIA } from "../../pricing/usage.ts";
import type { CountingRules } from "../counting_rules.ts";
import type { JsonObject } from "../dialect.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";
import {
  type MeterFlag,
  type MeterSnapshot,
  NOTHING_METERED,
  type ProviderError,
} from "../meter.ts";
import { createTextTokens } from "../text_tokens.ts";
import type { UsageReport } from "./openai_chat_usage.ts";
import { readAnswerError, readErrorEvent } from "./openai_responses_errors.ts";
import { createToolItems, textsOfItem } from "./openai_responses_items.ts";
import { isDearTier, readResponsesUsage, readToolUsage } from "./openai_responses_usage.ts";

/** Deltas that are bytes in base64: something is delivered, but no text. */
const SOUND_DELTA = /^response\.(output_)?audio\.delta$/;

/** Which item of the output an event is about; `null` where it does not say. */
function indexOf(event: JsonObject): number | null {
  return typeof event.output_index === "number" ? event.output_index : null;
}

export interface AnswerReader {
  /** Reads the ids of an answer that begins. */
  readNames(response: JsonObject): void;
  /** Reads an event of the output; true if it delivers anything. */
  readPiece(event: JsonObject, type: string | null): boolean;
  readError(event: JsonObject): void;
  /** Reads the response of the last event. */
  readEnd(response: JsonObject, type: string | null): void;
  readWhole(response: JsonObject): void;
  flag(flag: MeterFlag): void;
  markContent(): void;
  snapshot(): MeterSnapshot;
}

/** What events and whole answers have in common: all of it but how they are framed. */
export function createAnswerReader(rules: CountingRules): AnswerReader {
  const text = createTextTokens();
  const flags = new Set<MeterFlag>();
  const items = createToolItems();
  /** Items whose text came bit by bit: what repeats it at their end is not counted again. */
  const counted = new Set<number | null>();
  /** Events with content: in every recorded stream each was a token or more, so they bound below. */
  let contentEvents = 0;
  let report: UsageReport | null = null;
  let webSearches: number | null = null;
  let hasContent = false;
  let id: string | null = null;
  let model: string | null = null;
  let serviceTier: string | null = null;
  let finish: string | null = null;
  let error: ProviderError | null = null;

  function readNames(response: JsonObject): void {
    id ??= textOf(response.id);
    model ??= textOf(response.model);
  }

  function readPiece(event: JsonObject, type: string | null): boolean {
    const delivered = readOutput(event, type ?? "");
    if (!delivered) return false;
    hasContent = true;
    contentEvents++;
    return true;
  }

  function readOutput(event: JsonObject, type: string): boolean {
    if (type.endsWith(".delta")) {
      if (SOUND_DELTA.test(type)) return true;
      if (!count(event.delta)) return false;
      counted.add(indexOf(event));
      return true;
    }
    if (type === "response.image_generation_call.partial_image") return true;
    const item = objectOf(event.item);
    if (item === null) return false;
    if (type === "response.output_item.added") return count(item.name);
    if (type !== "response.output_item.done") return false;
    items.add(item);
    return !counted.has(indexOf(event)) && countItem(item);
  }

  function count(value: unknown): boolean {
    if (typeof value !== "string" || value === "") return false;
    text.add(value);
    return true;
  }

  /** True if the item delivers anything: text, a call or an image. */
  function countItem(item: JsonObject): boolean {
    const texts = textsOfItem(item);
    texts.forEach(count);
    return texts.length > 0 || textOf(item.result) !== null;
  }

  function readEnd(response: JsonObject, type: string | null): void {
    readNames(response);
    readReport(response);
    error = readAnswerError(response) ?? error;
    const why = textOf(objectOf(response.incomplete_details)?.reason);
    finish = why ?? textOf(response.status) ?? type?.replace("response.", "") ?? finish;
  }

  function readWhole(response: JsonObject): void {
    readEnd(response, null);
    for (const item of arrayOf(response.output).map(objectOf)) {
      if (item === null) continue;
      items.add(item);
      const named = count(item.name);
      hasContent = countItem(item) || named || hasContent;
    }
  }

  /** Takes what an answer reports of its cost, whole: the last report wins. */
  function readReport(response: JsonObject): void {
    serviceTier = textOf(response.service_tier) ?? serviceTier;
    const tools = readToolUsage(response);
    webSearches = tools.webSearches ?? webSearches;
    if (tools.hasUnpriced) flags.add("unpriced_tool");
    const usage = objectOf(response.usage);
    if (usage === null) return;
    const read = readResponsesUsage(usage, rules);
    if (read === "unreadable") flags.add("usage_unreadable");
    else if (read !== null) {
      report = read;
      if (tools.webSearches === null && read.webSearches > 0) webSearches = read.webSearches;
    }
  }

  function snapshot(): MeterSnapshot {
    const all = new Set([...flags, ...(report?.flags ?? [])]);
    if (items.hasUnpriced()) all.add("unpriced_tool");
    if (isDearTier(serviceTier)) all.add("unpriced_tier");
    return {
      ...NOTHING_METERED,
      usage: report?.tokens ?? null,
      reasoningTokens: report?.reasoningTokens ?? null,
      media: report?.media ?? NO_MEDIA,
      webSearches: webSearches ?? items.webSearches(),
      serviceTier,
      providerCost: report?.providerCost ?? null,
      outputTokensEstimate: Math.max(text.estimate(), contentEvents),
      outputTokensUpper: Math.max(text.upper(), contentEvents, report?.tokens.output ?? 0),
      hasContent,
      finish,
      providerRequestId: id,
      model,
      error,
      flags: [...all],
    };
  }

  return {
    readNames,
    readPiece,
    readError: (event) => void (error = readErrorEvent(event)),
    readEnd,
    readWhole,
    flag: (flag) => void flags.add(flag),
    markContent: () => void (hasContent = true),
    snapshot,
  };
}

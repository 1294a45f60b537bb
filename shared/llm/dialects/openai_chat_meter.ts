import { NO_MEDIA } from "../../pricing/usage.ts";
import type { CountingRules } from "../counting_rules.ts";
import type { JsonObject } from "../dialect.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";
import {
  type EarlyEnd,
  type EventKind,
  type Meter,
  type MeterFlag,
  type MeterSnapshot,
  NOTHING_METERED,
  type ProviderError,
} from "../meter.ts";
import type { SplitEvent } from "../sse_events.ts";
import { createDelivery } from "./openai_chat_delivery.ts";
import { DONE_EVENT, readError } from "./openai_chat_errors.ts";
import { readUsage, type UsageReport } from "./openai_chat_usage.ts";
import { isDearTier } from "./openai_responses_usage.ts";

const encoder = new TextEncoder();
const NO_BYTES = new Uint8Array(0);

/** An `event: error` whose data is in no shape that we know. */
const UNTOLD_ERROR: ProviderError = {
  message: "The provider sent an error event.",
  type: null,
  code: null,
};

/** Meters a streamed answer of Chat Completions. */
export function createChatMeter(rules: CountingRules): Meter {
  const answer = createAnswerReader(rules);

  function fold(event: SplitEvent): EventKind {
    if (event.oversized) {
      // What it says is unknown; that something was delivered is not.
      answer.markContent();
      answer.flag("oversized");
      return "content";
    }
    if (event.data === null) return "other";
    if (event.data.trim() === "[DONE]") return "terminal";
    const chunk = parseObject(event.data);
    if (chunk === null) {
      answer.flag("unreadable");
      return "other";
    }
    return answer.read(chunk, "delta", event.event === "error");
  }

  return {
    fold(event) {
      try {
        return fold(event);
      } catch {
        answer.flag("meter_fault");
        return "other";
      }
    },
    snapshot: answer.snapshot,
    earlyEnd: answer.earlyEnd,
  };
}

/** Meters a whole answer of Chat Completions, of whatever status: a parsed body. */
export function readChatAnswer(body: unknown, rules: CountingRules): MeterSnapshot {
  const answer = createAnswerReader(rules);
  const completion = objectOf(body);
  try {
    if (completion === null) answer.flag("unreadable");
    else answer.read(completion, "message", false);
  } catch {
    answer.flag("meter_fault");
  }
  return answer.snapshot();
}

function parseObject(text: string): JsonObject | null {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return null;
  }
}

interface AnswerReader {
  /** Reads one chunk, or the whole completion, whose choices hold `delta` or `message`. */
  read(chunk: JsonObject, part: "delta" | "message", isError: boolean): EventKind;
  flag(flag: MeterFlag): void;
  markContent(): void;
  snapshot(): MeterSnapshot;
  earlyEnd(): EarlyEnd;
}

/** What chunks and whole completions have in common: all of it but how they are framed. */
function createAnswerReader(rules: CountingRules): AnswerReader {
  const delivery = createDelivery();
  const flags = new Set<MeterFlag>();
  /** Chunks with content: in every recorded stream each was a token or more, so they bound below. */
  let contentChunks = 0;
  let report: UsageReport | null = null;
  let hasContent = false;
  let id: string | null = null;
  let model: string | null = null;
  let created: unknown = null;
  let finish: string | null = null;
  let error: ProviderError | null = null;
  let serviceTier: string | null = null;

  function read(chunk: JsonObject, part: "delta" | "message", isError: boolean): EventKind {
    id ??= textOf(chunk.id);
    model ??= textOf(chunk.model); // Azure's first chunk has an empty one.
    created ??= chunk.created;
    // OpenAI's last chunk has the tier that was served; the request's own word may come before.
    serviceTier = textOf(chunk.service_tier) ?? textOf(objectOf(chunk.usage)?.service_tier) ??
      serviceTier;
    const choices = arrayOf(chunk.choices).map(objectOf).filter((choice) => choice !== null);
    const reported = readReports(chunk, choices);
    const failure = readError(chunk) ?? choices.map(readError).find((found) => found !== null) ??
      (isError ? UNTOLD_ERROR : null);
    for (const choice of choices) finish = textOf(choice.finish_reason) ?? finish;
    if (failure !== null) {
      // Its text is not an answer; a usage in the same chunk is still the bill (OpenRouter).
      error = failure;
      return "error";
    }
    // Every choice is read before any is judged: `some` would stop at the first with content.
    const delivered = choices.map((choice) => delivery.read(objectOf(choice[part]))).includes(true);
    if (delivered) {
      hasContent = true;
      if (part === "delta") contentChunks++;
      return "content";
    }
    return reported && choices.length === 0 ? "usage_only" : "other";
  }

  /** Takes the last usage of a chunk, wherever the provider puts it. True if there is any. */
  function readReports(chunk: JsonObject, choices: readonly JsonObject[]): boolean {
    const usage = objectOf(chunk.usage) ?? objectOf(objectOf(chunk.x_groq)?.usage) ??
      choices.map((choice) => objectOf(choice.usage)).findLast((found) => found !== null) ?? null;
    if (usage === null) return false;
    const read = readUsage(usage, rules);
    if (read === "unreadable") flags.add("usage_unreadable");
    // The last report wins, whole: a sum or a maximum by field would invent tokens.
    else if (read !== null) report = read;
    return true;
  }

  function snapshot(): MeterSnapshot {
    const reported = report?.tokens.output ?? 0;
    return {
      ...NOTHING_METERED,
      usage: report?.tokens ?? null,
      reasoningTokens: report?.reasoningTokens ?? null,
      media: report?.media ?? NO_MEDIA,
      webSearches: Math.max(report?.webSearches ?? 0, delivery.isCited() ? 1 : 0),
      serviceTier,
      providerCost: report?.providerCost ?? null,
      outputTokensEstimate: Math.max(delivery.estimate(), contentChunks),
      outputTokensUpper: Math.max(delivery.upper(), contentChunks, reported),
      hasContent,
      finish,
      providerRequestId: id,
      model,
      error,
      flags: [
        ...new Set([
          ...flags,
          ...(report?.flags ?? []),
          ...(delivery.ranTools() ? ["unpriced_tool" as const] : []),
          ...(isDearTier(serviceTier) ? ["unpriced_tier" as const] : []),
        ]),
      ],
    };
  }

  function earlyEnd(): EarlyEnd {
    const chunk = {
      id: id ?? "chatcmpl-farebox",
      object: "chat.completion.chunk",
      created: typeof created === "number" ? created : 0,
      model: model ?? "",
      // SDKs refuse an answer without a role, as when it is cut short before it began.
      choices: [{
        index: 0,
        delta: delivery.hasRole() ? {} : { role: "assistant" },
        finish_reason: "length",
      }],
    };
    return {
      // It said itself why it finished: a second reason would overrule it.
      closing: finish === null ? encoder.encode(`data: ${JSON.stringify(chunk)}\n\n`) : NO_BYTES,
      terminal: encoder.encode(DONE_EVENT),
    };
  }

  return {
    read,
    flag: (flag) => void flags.add(flag),
    markContent: () => void (hasContent = true),
    snapshot,
    earlyEnd,
  };
}

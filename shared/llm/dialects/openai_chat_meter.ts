import { createAnswer } from "../answer_so_far.ts";
import type { CountingRules } from "../counting_rules.ts";
import type { JsonObject } from "../dialect.ts";
import { type AnswerReader, isDone, meterEvents, meterWhole } from "../event_meter.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";
import type { EventKind, Meter, MeterFlag, MeterSnapshot } from "../meter.ts";
import { readError, UNTOLD_ERROR } from "../provider_error.ts";
import { isDearTier } from "./openai_chat_details.ts";
import { earlyEnd } from "./openai_chat_end.ts";
import { createOutput } from "./openai_chat_output.ts";
import { readUsage } from "./openai_chat_usage.ts";

/** Meters a streamed answer of Chat Completions. */
export function createMeter(rules: CountingRules): Meter {
  return meterEvents(createReader(rules));
}

/** Meters a whole answer of Chat Completions, of whatever status: a parsed body. */
export function readAnswer(body: unknown, rules: CountingRules): MeterSnapshot {
  return meterWhole(createReader(rules), body);
}

/** Chunks and whole completions are alike, but that their choices hold `delta` or `message`. */
function createReader(rules: CountingRules): AnswerReader {
  const output = createOutput();
  const answer = createAnswer(output);
  let created: unknown = null;

  function read(chunk: JsonObject, part: "delta" | "message", isError: boolean): EventKind {
    answer.takeNames(chunk.id, chunk.model); // Azure's first chunk has an empty model.
    created ??= chunk.created;
    // OpenAI's last chunk has the tier that was served; the request's own word may come before.
    answer.serviceTier = textOf(chunk.service_tier) ??
      textOf(objectOf(chunk.usage)?.service_tier) ?? answer.serviceTier;
    const choices = arrayOf(chunk.choices).map(objectOf).filter((choice) => choice !== null);
    const reported = readReports(chunk, choices);
    const failure = readError(chunk) ?? choices.map(readError).find((found) => found !== null) ??
      (isError ? UNTOLD_ERROR : null);
    for (const choice of choices) {
      answer.finish = textOf(choice.finish_reason) ?? answer.finish;
      // What was spoken can be named in a later request.
      answer.takeStored(objectOf(objectOf(choice[part])?.audio)?.id);
    }
    if (failure !== null) {
      // Its text is not an answer; a usage in the same chunk is still the bill (OpenRouter).
      answer.error = failure;
      return "error";
    }
    // Every choice is read before any is judged: `some` would stop at the first with content.
    const delivered = choices.map((choice) => output.read(objectOf(choice[part]))).includes(true);
    if (delivered) {
      answer.hasContent = true;
      if (part === "delta") answer.contentEvents++;
      return "content";
    }
    return reported && choices.length === 0 ? "usage_only" : "other";
  }

  /** Takes the last usage of a chunk, wherever the provider puts it. True if there is any. */
  function readReports(chunk: JsonObject, choices: readonly JsonObject[]): boolean {
    const usage = objectOf(chunk.usage) ?? objectOf(objectOf(chunk.x_groq)?.usage) ??
      choices.map((choice) => objectOf(choice.usage)).findLast((found) => found !== null) ?? null;
    if (usage === null) return false;
    answer.takeReport(readUsage(usage, rules));
    return true;
  }

  function snapshot(): MeterSnapshot {
    const flags: MeterFlag[] = [];
    if (output.ranTools()) flags.push("unpriced_tool");
    if (isDearTier(answer.serviceTier)) flags.push("unpriced_tier");
    const searches = answer.report?.webSearches ?? 0;
    return answer.snapshot({ webSearches: Math.max(searches, output.isCited() ? 1 : 0), flags });
  }

  return {
    answer,
    readEvent: (chunk, { event }) => read(chunk, "delta", event === "error"),
    readOther: (_, event) => isDone(event) ? "terminal" : null,
    readWhole: (completion) => void read(completion, "message", false),
    snapshot,
    earlyEnd: () =>
      earlyEnd({
        hasRole: output.hasRole(),
        hasFinish: answer.finish !== null,
        id: answer.id,
        model: answer.model,
        created,
      }),
  };
}

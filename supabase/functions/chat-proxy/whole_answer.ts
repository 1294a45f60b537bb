/**
 * An answer that is not streamed: read whole, metered, settled, and passed on as it came.
 */
import type { Refusal } from "../../../shared/edge/refusal.ts";
import type { CountingRules } from "../../../shared/llm/counting_rules.ts";
import type { Dialect } from "../../../shared/llm/dialect.ts";
import type { MeterSnapshot } from "../../../shared/llm/meter.ts";
import { parseWhole } from "../../../shared/llm/meter_body.ts";

/** Many times the longest answer of any model; images come near it. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export type WholeAnswer = {
  bytes: Uint8Array<ArrayBuffer>;
  snapshot: MeterSnapshot;
};

/**
 * Reads the provider's answer to its end, for at most `deadlineMs`.
 *
 * Refuses with UPSTREAM_TIMEOUT past that, and with UPSTREAM_ERROR when it breaks off, is too large,
 * or is no answer at all: nothing of it is delivered, so nothing is charged.
 */
export async function readWholeAnswer(
  body: ReadableStream<Uint8Array>,
  dialect: Dialect,
  rules: CountingRules,
  deadlineMs: number,
): Promise<WholeAnswer | Refusal> {
  const reader = body.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let sizeBytes = 0;
  let isTimedOut = false;
  const timer = setTimeout(() => {
    isTimedOut = true;
    reader.cancel().catch(() => {});
  }, deadlineMs);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      sizeBytes += value.length;
      if (sizeBytes > ANSWER_BYTES_MAX) {
        reader.cancel().catch(() => {});
        return brokenOff("sent more than an answer can be");
      }
      chunks.push(value as Uint8Array<ArrayBuffer>);
    }
  } catch {
    return brokenOff("broke off");
  } finally {
    clearTimeout(timer);
  }
  if (isTimedOut) {
    return {
      code: "UPSTREAM_TIMEOUT",
      message: "The provider did not finish in time. Nothing was charged; try again, streamed.",
    };
  }
  const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
  const parsed = parseWhole(bytes);
  if (parsed === undefined) return brokenOff("answered something that is not JSON");
  return { bytes, snapshot: dialect.readAnswer(parsed, rules) };
}

function brokenOff(what: string): Refusal {
  return {
    code: "UPSTREAM_ERROR",
    message: `The provider ${what}. Nothing was charged; try again.`,
  };
}

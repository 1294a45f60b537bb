/**
 * An answer that is not streamed: read whole, metered, settled, and passed on as it came.
 */
import type { Refusal } from "../../../shared/edge/refusal.ts";
import type { CountingRules } from "../../../shared/llm/counting_rules.ts";
import type { Dialect } from "../../../shared/llm/dialect.ts";
import type { MeterSnapshot } from "../../../shared/llm/meter.ts";

/** Many times the longest answer of any model; images come near it. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

export type WholeAnswer = {
  bytes: Uint8Array<ArrayBuffer>;
  snapshot: MeterSnapshot;
};

/**
 * Reads the provider's answer to its end.
 *
 * Refuses with UPSTREAM_ERROR when it breaks off, is too large, or is no answer at all: nothing of
 * it is delivered, so nothing is charged.
 */
export async function readWholeAnswer(
  body: ReadableStream<Uint8Array>,
  dialect: Dialect,
  rules: CountingRules,
  isTimedOut: () => boolean,
): Promise<WholeAnswer | Refusal> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of body) {
      sizeBytes += chunk.length;
      if (sizeBytes > ANSWER_BYTES_MAX) {
        return brokenOff("sent more than an answer can be");
      }
      chunks.push(chunk as Uint8Array<ArrayBuffer>);
    }
  } catch {
    return isTimedOut()
      ? {
        code: "UPSTREAM_TIMEOUT",
        message: "The provider did not finish in time. Nothing was charged; try again, streamed.",
      }
      : brokenOff("broke off");
  }
  const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return brokenOff("answered something that is not JSON");
  }
  return { bytes, snapshot: dialect.readAnswer(parsed, rules) };
}

function brokenOff(what: string): Refusal {
  return {
    code: "UPSTREAM_ERROR",
    message: `The provider ${what}. Nothing was charged; try again.`,
  };
}

/**
 * Reads a request's body, whole and bounded.
 */
import { joinedBytes } from "./joined_bytes.ts";
import { BODY_TIMES, bodyChunks, BodyTimeoutError } from "./body_chunks.ts";
import { boundJson } from "./json_bounds.ts";
import type { Refusal } from "./refusal.ts";

/**
 * How much of an oversized body is read and thrown away. A response that is returned while the
 * client is still sending never reaches it, so the refusal has to wait for the rest; but not for ever.
 */
const DRAIN_FACTOR_MAX = 4;

/**
 * The body as text in UTF-8.
 *
 * Refuses with REQUEST_TOO_LARGE past `sizeBytesMax` (what was read by then is dropped at once),
 * with INVALID_REQUEST when the client broke off or takes too long, and with INVALID_JSON when it is
 * not UTF-8: text that was silently repaired would be another question than the one that is paid for.
 */
export async function readBody(
  request: Request,
  sizeBytesMax: number,
  times = BODY_TIMES,
): Promise<string | Refusal> {
  if (request.body === null) return "";
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for await (const chunk of bodyChunks(request.body, times)) {
      sizeBytes += chunk.length;
      if (sizeBytes <= sizeBytesMax) chunks.push(chunk);
      else chunks.length = 0;
      // Leaving the loop cancels the rest.
      if (sizeBytes > sizeBytesMax * DRAIN_FACTOR_MAX) break;
    }
  } catch (error) {
    return {
      code: "INVALID_REQUEST",
      message: error instanceof BodyTimeoutError
        ? "The request's body did not come in time. Send it again, at once."
        : "The request's body broke off. Send it again.",
    };
  }
  if (sizeBytes > sizeBytesMax) {
    return {
      code: "REQUEST_TOO_LARGE",
      message: `The body is larger than ${sizeBytesMax} bytes. Send less, such as fewer messages.`,
      size_bytes_max: sizeBytesMax,
    };
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(joinedBytes(chunks));
  } catch {
    return {
      code: "INVALID_JSON",
      message: "The body is not text in UTF-8. Encode the JSON as UTF-8 and send it again.",
    };
  }
}

/**
 * Throws away a body that nobody read, so that a refusal made without looking at it arrives. Bounded:
 * past `sizeBytesMax`, and when it does not come in time, the rest is cancelled.
 */
export async function drainBody(
  request: Request,
  sizeBytesMax: number,
  times = BODY_TIMES,
): Promise<void> {
  if (request.body === null || request.bodyUsed) return;
  let sizeBytes = 0;
  try {
    for await (const chunk of bodyChunks(request.body, times)) {
      sizeBytes += chunk.length;
      if (sizeBytes > sizeBytesMax) break;
    }
  } catch {
    // The client broke off, or may not wait any longer: there is nobody left to answer.
  }
}

/** The body as parsed JSON. Refuses as `readBody` and `boundJson` do, and with INVALID_JSON. */
export async function readJson(
  request: Request,
  sizeBytesMax: number,
): Promise<{ json: unknown } | Refusal> {
  const text = await readBody(request, sizeBytesMax);
  if (typeof text !== "string") return text;
  const excess = boundJson(text);
  if (excess) return excess;
  try {
    return { json: JSON.parse(text) };
  } catch {
    return {
      code: "INVALID_JSON",
      message: "The body is not JSON. Send one JSON object.",
    };
  }
}

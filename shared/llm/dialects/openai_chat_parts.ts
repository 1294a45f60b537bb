import type { JsonObject, RequestFault } from "../dialect.ts";
import { objectOf } from "../json_reading.ts";

/**
 * What a message may be made of. Each of these can be bounded before it is sent, and estimated where
 * the provider never reports: text by its characters, an image by the model's dearest.
 */
const METERED_PARTS: ReadonlySet<unknown> = new Set(["text", "refusal", "image_url"]);

/**
 * Refuses what cannot be bounded: files, documents, sound and video hold any number of tokens behind
 * a short name, some at prices of their own, and whoever hangs up before the report would have them
 * for nothing. A part of a type that we do not know may be one.
 */
export function checkMessageParts(message: JsonObject, index: number): RequestFault | null {
  if (message.audio !== undefined && message.audio !== null) {
    return unmetered("a spoken answer of before", `messages[${index}].audio`);
  }
  if (!Array.isArray(message.content)) return null;
  for (const [position, part] of (message.content as readonly unknown[]).entries()) {
    const type = objectOf(part)?.type;
    if (METERED_PARTS.has(type)) continue;
    const what = typeof type === "string"
      ? `a part of type ${JSON.stringify(type.slice(0, 40))}`
      : "a part without a type";
    return unmetered(what, `messages[${index}].content[${position}]`);
  }
  return null;
}

function unmetered(what: string, param: string): RequestFault {
  return {
    kind: "fault",
    message: `Messages can have text and images (types text and image_url): ${what} cannot be ` +
      "metered. Send its text instead.",
    param,
  };
}

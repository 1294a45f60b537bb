import type { JsonObject, PricedFeature, RequestFault, StoredReference } from "../dialect.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";
import { checkSpelling, spellingsOf } from "./field_spelling.ts";
import { namesFile, PART_FIELDS, WHY_NO_FILES } from "./house_files.ts";
import { fault, isPresent } from "./request_checks.ts";

/** What the messages of a request hold beside plain text. */
export interface MessageParts {
  readonly kind: "parts";
  /** Files, sound, video: any number of tokens behind a short name. */
  readonly hidesInput: boolean;
  readonly features: readonly PricedFeature[];
  /** Spoken answers of before, which lie at the provider. */
  readonly references: readonly StoredReference[];
}

/**
 * Parts that can be bounded before they are sent, and estimated where the provider never reports:
 * text by its characters, an image by the model's dearest. `thinking` and `reference` are Mistral's,
 * which a conversation sends back as it got them.
 */
const COUNTED_PARTS: ReadonlySet<string> = new Set([
  ...["text", "refusal", "image_url", "input_image", "thinking", "reference"],
]);

const SPOKEN_FIELDS = spellingsOf(["id"]);

/**
 * Looks at what messages are made of. A part of any other type may hold anything, so the prompt
 * counts as hidden: the whole context window is held, and a lost client is drained for the report.
 */
export function readMessageParts(messages: readonly JsonObject[]): MessageParts | RequestFault {
  let hidesInput = false;
  let hasAudio = false;
  const references: StoredReference[] = [];
  for (const [index, message] of messages.entries()) {
    const spoken = objectOf(message.audio);
    if (spoken !== null) {
      const param = `messages[${index}].audio`;
      const misspelt = checkSpelling(spoken, SPOKEN_FIELDS, `${param}.`);
      if (misspelt !== null) return misspelt;
      if (isPresent(spoken.id)) {
        const id = textOf(spoken.id);
        if (id === null) return fault(`${param}.id must be an id, as text.`, `${param}.id`);
        references.push({ id, param: `${param}.id` });
      }
      hidesInput = hasAudio = true;
    }
    for (const [position, item] of arrayOf(message.content).entries()) {
      const param = `messages[${index}].content[${position}]`;
      const part = objectOf(item);
      const type = part?.type;
      if (part === null || typeof type !== "string") {
        return fault(
          'Each part of a message must be an object with a type, such as "text".',
          param,
        );
      }
      const misspelt = checkSpelling(part, PART_FIELDS, `${param}.`);
      if (misspelt !== null) return misspelt;
      if (namesFile(part)) return fault(WHY_NO_FILES, param);
      if (COUNTED_PARTS.has(type)) continue;
      hidesInput = true;
      if (/audio/i.test(type)) hasAudio = true;
    }
  }
  return { kind: "parts", hidesInput, features: hasAudio ? ["input_audio"] : [], references };
}

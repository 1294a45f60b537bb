/**
 * What of an answer a person reads: its text, without reasoning, tool calls and media. For history
 * alone; what is metered is read by the dialects' meters.
 */
import type { DialectName, JsonObject } from "./dialect.ts";
import { arrayOf, objectOf, parseJson, textOf } from "./json_reading.ts";
import { parseWhole } from "./meter_body.ts";
import { createEventSplitter, type SplitEvent } from "./sse_events.ts";

/** Reads the text of a streamed answer from its bytes, as they come. */
export interface AnswerText {
  add(bytes: Uint8Array): void;
  /** All of it, at the end. */
  end(): string;
}

type ReadText = (data: JsonObject) => string;

/** Of each dialect: the text that an event adds, and that of a whole answer. */
const READERS: Readonly<Record<DialectName, { event: ReadText; whole: ReadText }>> = {
  "openai-chat": {
    event: (chunk) => textOfChoice(chunk, "delta"),
    whole: (completion) => textOfChoice(completion, "message"),
  },
  "openai-responses": {
    event: (event) =>
      event.type === "response.output_text.delta" || event.type === "response.refusal.delta"
        ? textOf(event.delta) ?? ""
        : "",
    whole: (response) =>
      arrayOf(response.output).filter((item) => objectOf(item)?.type === "message")
        .map(textOfParts).join(""),
  },
  "anthropic-messages": {
    event: (event) => {
      const part = objectOf(event.delta) ?? objectOf(event.content_block);
      return textOf(part?.text) ?? "";
    },
    whole: (message) => textOfParts(message),
  },
  "gemini": { event: textOfCandidate, whole: textOfCandidate },
};

/**
 * Reads a stream's text.
 *
 * @param charsMax what is longer is left out, so that memory stays bounded.
 */
export function createAnswerText(dialect: DialectName, charsMax: number): AnswerText {
  const read = READERS[dialect].event;
  const splitter = createEventSplitter();
  let text = "";
  const add = ({ data }: SplitEvent) => {
    const value = data === null ? null : objectOf(parseJson(data));
    if (value !== null && text.length < charsMax) text += read(value);
  };
  return {
    add: (bytes) => splitter.push(bytes).forEach(add),
    end() {
      const rest = splitter.flush();
      if (rest !== null) add(rest);
      return text.slice(0, charsMax);
    },
  };
}

/** The text of a whole answer: JSON, or Gemini's array of chunks. Empty where it is neither. */
export function textOfWholeAnswer(bytes: Uint8Array, dialect: DialectName): string {
  const body = parseWhole(bytes);
  const chunks = Array.isArray(body) ? body : [body];
  return chunks.map(objectOf).filter((chunk) => chunk !== null).map(READERS[dialect].whole).join(
    "",
  );
}

/** Of several choices the first, for a reader can follow one only. */
function textOfChoice(body: JsonObject, part: "delta" | "message"): string {
  const choices = arrayOf(body.choices).map(objectOf);
  const first = choices.find((choice) => choice !== null && (choice.index ?? 0) === 0);
  const message = objectOf(first?.[part]);
  return textOf(message?.content) ?? textOf(message?.refusal) ?? textOfParts(message);
}

/** The texts among the parts that a message's `content` is. */
function textOfParts(message: unknown): string {
  return arrayOf(objectOf(message)?.content).map(objectOf)
    .map((part) => textOf(part?.text) ?? textOf(part?.refusal) ?? "").join("");
}

function textOfCandidate(chunk: JsonObject): string {
  const content = objectOf(objectOf(arrayOf(chunk.candidates)[0])?.content);
  return arrayOf(content?.parts).map(objectOf)
    .map((part) => part?.thought === true ? "" : textOf(part?.text) ?? "").join("");
}

import type { InputLimits, JsonObject, ModelRequest } from "../dialect.ts";
import { estimatePrompt } from "../input_estimate.ts";
import { objectOf } from "../json_reading.ts";
import { boundPrompt, valuesBeside } from "../token_bounds.ts";
import { fieldsOf, listOf } from "./gemini_fields.ts";
import { type PartReading, readPart } from "./gemini_parts.ts";

/** Fields of the body that never reach the model, so that a long one costs nothing. */
const NOT_PROMPT = new Set([
  ...["model", "models", "chatId", "labels", "safetySettings", "serviceTier", "store"],
]);

/** One part and where it stands, such as `contents[0].parts[1]`. */
export interface PlacedPart {
  readonly part: unknown;
  readonly param: string;
}

/** All parts of the prompt: of the contents and of the instruction. */
export function partsOf(body: JsonObject): PlacedPart[] {
  const parts: PlacedPart[] = [];
  const add = (content: unknown, path: string) => {
    for (const [index, part] of listOf(fieldsOf(content)?.parts).entries()) {
      parts.push({ part, param: `${path}.parts[${index}]` });
    }
  };
  if (Array.isArray(body.systemInstruction)) {
    // A list of contents, or as some SDKs have it, of parts.
    for (const [index, item] of body.systemInstruction.entries()) {
      const param = `systemInstruction[${index}]`;
      if (fieldsOf(item)?.parts === undefined) parts.push({ part: item, param });
      else add(item, param);
    }
  } else add(body.systemInstruction, "systemInstruction");
  for (const [index, content] of listOf(body.contents).entries()) {
    add(content, `contents[${index}]`);
  }
  return parts;
}

/** Upper bound of the prompt in tokens. */
export function inputTokensMax(request: ModelRequest, limits: InputLimits): number {
  const body = fieldsOf(request.body) ?? {};
  const images = readingsOf(body).flatMap((reading) => reading.images);
  return boundPrompt({
    values: valuesBeside(body, NOT_PROMPT),
    messages: listOf(body.contents).length + Math.max(1, instructionsOf(body)),
    images: new Map(images.map((image) => [image, "data"])),
    hidesInput: request.hidesInput,
    webSearchesMax: 0,
  }, limits);
}

/** Fair estimate of the prompt in tokens. */
export function inputTokensEstimate(request: ModelRequest, limits: InputLimits): number {
  const body = fieldsOf(request.body) ?? {};
  const readings = readingsOf(body);
  const texts = readings.flatMap((reading) => reading.texts);
  if (typeof body.systemInstruction === "string") texts.push(body.systemInstruction);
  const config = fieldsOf(body.generationConfig);
  for (const schema of [body.tools, config?.responseSchema, config?.responseJsonSchema]) {
    if (schema !== undefined) texts.push(JSON.stringify(schema));
  }
  return estimatePrompt({
    texts,
    messages: listOf(body.contents).length + instructionsOf(body),
    images: readings.reduce((sum, reading) => sum + reading.images.length, 0),
  }, limits);
}

function instructionsOf(body: JsonObject): number {
  return listOf(body.systemInstruction).filter((item) => objectOf(item) !== null).length;
}

function readingsOf(body: JsonObject): PartReading[] {
  return partsOf(body).map(({ part }) => readPart(part)).filter((reading) =>
    reading.kind === "part"
  );
}

import type { InputLimits, JsonObject, ModelRequest, RequestFault } from "../dialect.ts";
import { estimatePrompt } from "../input_estimate.ts";
import { arrayOf, objectOf, textOf } from "../json_reading.ts";
import { boundPrompt, valuesBeside } from "../token_bounds.ts";
import { namesFile, WHY_NO_FILES } from "./house_files.ts";
import { fault, isPresent } from "./request_checks.ts";

/**
 * What a prompt of the Responses API is made of. Its items are messages, calls of tools with their
 * results, and the model's reasoning; some of them only name what lies at the provider.
 */

/**
 * Items that say all that the model reads of them, each with the field that says it. Of any other, and
 * of these without it, that cannot be known from here.
 */
const SAID_IN: ReadonlyMap<unknown, string> = new Map([
  ["message", "content"],
  ["reasoning", "encrypted_content"], // Without its cipher it is looked up by its id.
  ["function_call", "arguments"],
  ["function_call_output", "output"],
  ["custom_tool_call", "input"],
  ["custom_tool_call_output", "output"],
  ["local_shell_call", "action"],
  ["local_shell_call_output", "output"],
  ["shell_call", "action"],
  ["shell_call_output", "output"],
  ["apply_patch_call", "operation"],
  ["apply_patch_call_output", "status"],
  ["tool_search_call", "arguments"],
  ["tool_search_output", "tools"],
  ["additional_tools", "tools"],
  ["configuration_update", "type"],
]);

/** Content parts that are text or an image. Files and sound hold any number of tokens. */
const VISIBLE_PARTS = new Set<unknown>([
  ...["input_text", "output_text", "text", "refusal", "summary_text", "reasoning_text"],
  "input_image",
]);

/** Fields that stand for a prompt which lies at the provider, or make it read the prompt again. */
const HIDING_FIELDS = ["previous_response_id", "conversation", "prompt", "context_management"];

/** Fields of the body that never reach the model, so that a long one costs nothing. */
const NOT_PROMPT = new Set([
  ...["model", "models", "chat_id", "stream", "stream_options", "store", "metadata", "user"],
  "include",
  ...["safety_identifier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"],
  ...["max_output_tokens", "max_tool_calls", "parallel_tool_calls", "service_tier", "truncation"],
  ...["temperature", "top_p", "top_logprobs", "background"],
]);

/** What cannot be counted of an input from here. */
export interface HiddenInput {
  readonly hidesInput: boolean;
  /** True where there is sound, which may have a price of its own. */
  readonly hasSound: boolean;
}

/** Looks for what cannot be counted from here: files, sound, and what lies at the provider. */
export function findHiddenInput(body: JsonObject): HiddenInput {
  const items = itemsOf(body);
  const parts = items.flatMap(partsOf);
  const hasSound = parts.some(({ type }) => type === "input_audio");
  const hidesInput = HIDING_FIELDS.some((name) => isPresent(body[name])) ||
    items.some(isHidden) || parts.some(({ type }) => !VISIBLE_PARTS.has(type));
  return { hidesInput, hasSound };
}

/** Refuses files that lie at the provider: in messages, in results of calls, in a kept prompt. */
export function checkFiles(body: JsonObject): RequestFault | null {
  for (const [index, item] of arrayOf(body.input).entries()) {
    const { content, output } = objectOf(item) ?? {};
    const places = [item, output, ...arrayOf(content), ...arrayOf(output)];
    if (places.some(isOfHouse)) return fault(WHY_NO_FILES, `input[${index}]`);
  }
  const variables = objectOf(objectOf(body.prompt)?.variables) ?? {};
  const hasFile = Object.values(variables).some(isOfHouse);
  return hasFile ? fault(WHY_NO_FILES, "prompt.variables") : null;
}

function isOfHouse(value: unknown): boolean {
  const part = objectOf(value);
  return part !== null && namesFile(part);
}

/** Upper bound of the prompt in tokens. */
export function inputTokensMax(request: ModelRequest, limits: InputLimits): number {
  const { body } = request;
  const items = itemsOf(body);
  return boundPrompt({
    values: valuesBeside(body, NOT_PROMPT),
    messages: items.length + 2, // Instructions, and input that is text.
    images: new Map(items.flatMap(partsOf).filter(isImage).map((part) => [part, "image_url"])),
    hidesInput: request.hidesInput,
    webSearchesMax: request.webSearchesMax,
  }, limits);
}

/** Fair estimate of the prompt in tokens. */
export function inputTokensEstimate(request: ModelRequest, limits: InputLimits): number {
  const { body } = request;
  const items = itemsOf(body);
  const parts = items.flatMap(partsOf);
  const texts = [body.instructions, body.input, ...items.flatMap(textsOf)]
    .filter((text) => typeof text === "string");
  for (const part of parts) {
    for (const text of [part.text, part.refusal]) if (typeof text === "string") texts.push(text);
  }
  const format = objectOf(body.text)?.format;
  for (const value of [body.tools, format]) {
    if (value !== undefined) texts.push(JSON.stringify(value));
  }
  return estimatePrompt({
    texts,
    messages: Math.max(1, items.length),
    images: parts.filter(isImage).length,
  }, limits);
}

function itemsOf(body: JsonObject): readonly JsonObject[] {
  return arrayOf(body.input).map(objectOf).filter((item) => item !== null);
}

/** The results of calls that can hold parts, as a message does. */
const RESULTS_OF_PARTS = new Set<unknown>(["function_call_output", "custom_tool_call_output"]);

/** The parts of an item, wherever its type has them. */
function partsOf(item: JsonObject): readonly JsonObject[] {
  const output = RESULTS_OF_PARTS.has(item.type) ? item.output : undefined;
  return [item.content, item.summary, output].flatMap(arrayOf).map(objectOf)
    .filter((part) => part !== null);
}

function isImage(part: JsonObject): boolean {
  return part.type === "input_image";
}

/** Whether an item does not say itself what the model reads of it. */
export function isHidden(item: JsonObject): boolean {
  // The short form of a message has no type, and neither need a reference.
  const type = item.type ?? (textOf(item.role) === null ? "item_reference" : "message");
  const field = SAID_IN.get(type);
  return field === undefined || !isPresent(item[field]) ||
    item[field] === "" && type === "reasoning";
}

/**
 * What an item says outside of its parts. Encrypted reasoning counts as nothing: mostly the model is
 * not shown it again, and how much of it is reasoning only the provider knows.
 */
function textsOf(item: JsonObject): readonly string[] {
  const { content, output, name, action, operation, tools } = item;
  const inParts = [content, RESULTS_OF_PARTS.has(item.type) ? output : undefined];
  return [
    ...inParts.filter((value) => typeof value === "string"),
    ...[name, item.arguments, item.input, action, operation, tools].map(toText),
    ...(RESULTS_OF_PARTS.has(item.type) ? [] : [toText(output)]),
  ];
}

function toText(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

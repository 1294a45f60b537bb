/** Reads a generateContent request as strictly as Google does. */
import {
  type Ask,
  type AskedMessage,
  asNumber,
  chooseTool,
  EFFORT_TOKENS,
  isRecord,
  type OfferedTool,
  readQuestion,
  TOKENS_PER_MESSAGE,
  type ToolChoice,
} from "./ask.ts";
import type { ErrorAnswer } from "./dialect.ts";
import { geminiError, unknownName } from "./gemini_errors.ts";
import type { DemoModel, DemoModels } from "./models.ts";
import { countTokens } from "./tokens.ts";

/** What the path says. */
export interface GeminiTarget {
  readonly model: string;
  readonly isStreamed: boolean;
}

const FIELDS = new Set(
  ("contents systemInstruction generationConfig tools toolConfig safetySettings cachedContent labels " +
    "model serviceTier store").split(" "),
);

const LEVELS: Readonly<Record<string, number>> = {
  MINIMAL: 0,
  LOW: EFFORT_TOKENS.low!,
  MEDIUM: EFFORT_TOKENS.medium!,
  HIGH: EFFORT_TOKENS.high!,
};

/** The model and the method, when the path is one of Gemini's. */
export function readGeminiPath(path: string): GeminiTarget | null {
  const match = /\/models\/([^/]+):(generateContent|streamGenerateContent)$/.exec(path);
  if (match === null) return null;
  const [, model, method] = match;
  return { model: decodeURIComponent(model!), isStreamed: method === "streamGenerateContent" };
}

export function readGeminiRequest(
  body: unknown,
  target: GeminiTarget,
  models: DemoModels,
): Ask | ErrorAnswer {
  const model = models.find(target.model);
  if (model === undefined) {
    return geminiError(
      404,
      `models/${target.model} is not found for API version v1beta, or is not supported for ` +
        "generateContent. Call ListModels to see the list of available models and their supported " +
        "methods.",
    );
  }
  if (!isRecord(body)) return geminiError(400, "Invalid JSON payload received.");
  const unknown = Object.keys(body).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) return unknownName(unknown);
  const config = isRecord(body.generationConfig) ? body.generationConfig : {};
  const problem = checkContents(body.contents) ?? checkConfig(config, model);
  if (problem !== null) return geminiError(400, problem);

  const contents = (body.contents as unknown[]).filter(isRecord);
  const read = readQuestion(
    contents.filter((content) => content.role !== "model").map(wordsOf)
      .findLast((words) => words !== "") ?? "",
  );
  if ("problem" in read) return geminiError(400, read.problem);
  const { script, question } = read;
  const messages = promptOf(body, contents);
  const thinking = isRecord(config.thinkingConfig) ? config.thinkingConfig : {};
  return {
    model,
    script,
    question,
    messages,
    promptTokens: script.prompt_tokens ??
      messages.reduce((sum, message) => sum + message.tokens, 0),
    isStreamed: target.isStreamed,
    outputTokensMax: asNumber(config.maxOutputTokens),
    reasoningTokens: script.reasoning_tokens ?? thinkingTokens(model, thinking),
    showsReasoning: thinking.includeThoughts === true,
    toolCall: chooseTool(readTools(body, contents), script, question),
  };
}

function checkContents(contents: unknown): string | null {
  if (!Array.isArray(contents) || contents.length === 0) {
    return "* GenerateContentRequest.contents: contents is not specified\n";
  }
  for (const content of contents) {
    if (!isRecord(content) || !Array.isArray(content.parts) || content.parts.length === 0) {
      return "* GenerateContentRequest.contents.parts: contents.parts must not be empty.\n";
    }
    if (content.role !== undefined && content.role !== "user" && content.role !== "model") {
      return "Please use a valid role: user, model.";
    }
  }
  return null;
}

function checkConfig(config: Record<string, unknown>, model: DemoModel): string | null {
  const limit = config.maxOutputTokens;
  if (limit !== undefined && limit !== null) {
    if (!Number.isInteger(limit)) {
      return `Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32), ${limit}`;
    }
    if (Number(limit) < 1 || Number(limit) > model.outputTokensMax) {
      return `Unable to submit request because it has a maxOutputTokens value of ${limit} but the ` +
        `supported range is from 1 (inclusive) to ${model.outputTokensMax + 1} (exclusive).`;
    }
  }
  const { thinkingConfig: thinking } = config;
  return isRecord(thinking) && thinking.thinkingBudget === 0 && model.id === "gemini-2.5-pro"
    ? "Budget 0 is invalid. This model only works in thinking mode."
    : null;
}

/** Thinking is on by itself, but in Flash-Lite; a budget of 0 turns it off, -1 leaves it open. */
function thinkingTokens(model: DemoModel, thinking: Record<string, unknown>): number {
  const budget = asNumber(thinking.thinkingBudget);
  if (budget === 0 || model.thinking === "never") return 0;
  if (budget === null && model.thinking === "on_request" && thinking.thinkingLevel === undefined) {
    return 0;
  }
  const wanted = LEVELS[String(thinking.thinkingLevel).toUpperCase()] ?? EFFORT_TOKENS.medium!;
  return budget !== null && budget > 0 ? Math.min(wanted, budget) : wanted;
}

/** The prompt in the order in which it is cached: tools, system, contents. */
function promptOf(
  body: Record<string, unknown>,
  contents: readonly Record<string, unknown>[],
): AskedMessage[] {
  const tools = body.tools === undefined
    ? []
    : [{ text: JSON.stringify(body.tools), tokens: countTokens(JSON.stringify(body.tools)) }];
  const system = isRecord(body.systemInstruction) ? [body.systemInstruction] : [];
  return [
    ...tools,
    ...[...system, ...contents].map((content) => ({
      text: JSON.stringify(content),
      tokens: TOKENS_PER_MESSAGE + countTokens(textOf(content)),
    })),
  ];
}

function readTools(
  body: Record<string, unknown>,
  contents: readonly Record<string, unknown>[],
): ToolChoice {
  const tools = Array.isArray(body.tools) ? body.tools.filter(isRecord) : [];
  const config = isRecord(body.toolConfig) ? body.toolConfig.functionCallingConfig : undefined;
  const { mode, allowedFunctionNames: allowed } = isRecord(config) ? config : {};
  const last = contents.at(-1);
  return {
    tools: tools.flatMap((tool) => tool.functionDeclarations).filter(isRecord)
      .filter((tool) => !Array.isArray(allowed) || allowed.includes(tool.name))
      .map((tool): OfferedTool => ({
        name: String(tool.name),
        parameters: tool.parametersJsonSchema ?? tool.parameters,
      })),
    mode: mode === "ANY" ? "any" : mode === "NONE" ? "none" : "auto",
    isAnswered: last !== undefined && partsOf(last).some((part) => "functionResponse" in part),
  };
}

function partsOf(content: Record<string, unknown>): Record<string, unknown>[] {
  return Array.isArray(content.parts) ? content.parts.filter(isRecord) : [];
}

/** What a user wrote, without results of functions. */
function wordsOf(content: Record<string, unknown>): string {
  return partsOf(content).map((part) => part.text).filter((text) => typeof text === "string")
    .join("\n");
}

/** All that the model reads of a content. */
function textOf(content: Record<string, unknown>): string {
  return partsOf(content)
    .map((part) => typeof part.text === "string" ? part.text : JSON.stringify(part))
    .join("\n");
}

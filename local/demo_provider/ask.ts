/** What every dialect reads out of its request, in one form: all that an answer depends on. */
import type { DemoModel } from "./models.ts";
import { type DemoScript, readScript, withoutScript } from "./script.ts";

/** A message of the conversation, for the prompt cache and the count. */
export interface AskedMessage {
  readonly text: string;
  readonly tokens: number;
}

/** A tool that the answer calls. */
export interface ToolCall {
  readonly name: string;
  /** JSON. */
  readonly arguments: string;
}

/** A request, whatever its dialect. */
export interface Ask {
  readonly model: DemoModel;
  readonly script: DemoScript;
  /** The last user message, without its script. */
  readonly question: string;
  readonly messages: readonly AskedMessage[];
  /** The whole prompt, cached parts included. */
  readonly promptTokens: number;
  readonly isStreamed: boolean;
  /** Null when the request sets no limit. Reasoning counts within it. */
  readonly outputTokensMax: number | null;
  readonly reasoningTokens: number;
  /** True where the client sees the reasoning. */
  readonly showsReasoning: boolean;
  /** Null to answer in words. */
  readonly toolCall: ToolCall | null;
}

/** A tool as the request offers it; `parameters` is a JSON schema. */
export interface OfferedTool {
  readonly name: string;
  readonly parameters: unknown;
}

/** What the request says about calling tools. */
export interface ToolChoice {
  readonly tools: readonly OfferedTool[];
  /** `named` is the one that must be called. */
  readonly mode: "auto" | "any" | "none" | { readonly named: string };
  /** True when the last message is the result of a call. */
  readonly isAnswered: boolean;
}

/** Every message costs a little more than its words, and so does the answer's start. */
export const TOKENS_PER_MESSAGE = 3;
export const TOKENS_PER_PROMPT = 3;

/** Output tokens that are thought first, by effort. */
export const EFFORT_TOKENS: Readonly<Record<string, number>> = {
  none: 0,
  minimal: 0,
  low: 64,
  medium: 192,
  high: 512,
  xhigh: 1024,
  max: 1024,
};

/** The script of what was asked and the question without it, or why the script is wrong. */
export function readQuestion(
  asked: string,
): { readonly script: DemoScript; readonly question: string } | { readonly problem: string } {
  try {
    return { script: readScript(asked), question: withoutScript(asked) };
  } catch (error) {
    return { problem: `The demo provider does not understand its script: ${error}` };
  }
}

/** A tool is called when the request forces one, or offers one and the question asks for it. */
export function chooseTool(
  choice: ToolChoice,
  script: DemoScript,
  question: string,
): ToolCall | null {
  const { tools, mode, isAnswered } = choice;
  if (script.call_tool === false || mode === "none") return null;
  const ordered = typeof script.tool === "string" ? { name: script.tool } : script.tool;
  const forced = typeof mode === "object" ? mode.named : undefined;
  const named = tools.find((tool) => question.includes(tool.name));
  const isAsked = named !== undefined || /\btools?\b|\bcall\b|\buse\b|weather/i.test(question);
  const isCalled = forced !== undefined || mode === "any" || script.call_tool === true ||
    ((isAsked || ordered !== undefined) && !isAnswered);
  const tool = tools.find((tool) => tool.name === (forced ?? ordered?.name)) ?? named ?? tools[0];
  if (!isCalled || tool === undefined) return null;
  const given = ordered !== undefined && "arguments" in ordered ? ordered.arguments : undefined;
  return { name: tool.name, arguments: JSON.stringify(given ?? exampleOf(tool.parameters)) };
}

/** Arguments that fit a JSON schema of a tool's parameters; Gemini writes its types in capitals. */
function exampleOf(schema: unknown): unknown {
  if (!isRecord(schema)) return {};
  const { type, properties, items, enum: values } = schema;
  if (Array.isArray(values)) return values[0];
  switch (String(type).toLowerCase()) {
    case "string":
      return "Zürich";
    case "number":
    case "integer":
      return 1;
    case "boolean":
      return true;
    case "array":
      return [exampleOf(items)];
    default:
      return Object.fromEntries(
        Object.entries(properties ?? {}).map(([name, value]) => [name, exampleOf(value)]),
      );
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value if it is a number, else null. */
export function asNumber(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

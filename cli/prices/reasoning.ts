/**
 * Whether a model bills reasoning that its stream does not show (docs/adr/0008). Asked for new models
 * only: where a row exists, the operator has decided. `true` is the safe side: the whole answer is
 * then held, instead of a slice. So a family is `false` here only where it is known not to reason, or
 * to show all of its reasoning.
 */

/** Families by the name of the model, whoever sells it; the first that fits counts. */
const FAMILIES: readonly (readonly [family: RegExp, hides: boolean])[] = [
  // OpenAI bills reasoning and shows summaries of it at most.
  [/^(o\d|codex|computer-use)|^gpt-([5-9]|\d\d)/, true],
  [/^(ft:)?(gpt-3|gpt-4|chatgpt-4)/, false],
  // Anthropic streamed all of its thinking up to 3.7, and sends summaries of it since 4.
  [/^claude-(2|3|instant)/, false],
  [/^claude/, true],
  // Google's models think since 2.5, and show summaries at most.
  [/^gemini-((flash|pro)-)?(1\.|2\.0)/, false],
  [/^gemma/, false],
  // xAI: grok-3-mini and everything since 4 reasons; grok-3-mini alone shows some of it.
  [/^grok-(2|3)(?!-mini)/, false],
  [/non-reasoning/, false],
  // These stream their reasoning as it is billed, or do not reason.
  [/^deepseek/, false],
  [
    /^(llama|mixtral|codestral|devstral|ministral|pixtral|open-mi|mistral-(7b|large|nemo|tiny))/,
    false,
  ],
];

/** What to assume of a new model; `true` for a family that nobody has looked at. */
export function hidesReasoning(modelId: string): boolean {
  // `openai/gpt-4o`, `accounts/fireworks/models/llama-v3`: the maker's own name comes last.
  const own = (modelId.split("/").at(-1) ?? modelId).toLowerCase();
  return FAMILIES.find(([family]) => family.test(own))?.[1] ?? true;
}

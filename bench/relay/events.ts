/** The answer that the benchmark streams: Chat Completions, one delta an event, as OpenAI sends them. */

/** Pieces of 1 to 4 tokens each, as providers cut their text. */
const PIECES = [
  ...["The", " relay", " passes", " on what", " it", " reads", ", and", " a copy", " of"],
  ...[
    " each",
    " event",
    " goes",
    " to the",
    " meter",
    ".",
    " Nothing",
    " piles",
    " up",
    " in between",
  ],
  ...[
    ":",
    " a",
    " slow",
    " reader",
    " slows",
    " the",
    " provider",
    " down",
    ".\n\n",
    "- ",
    "**Exact",
  ],
  ...[
    "**",
    " amounts",
    " are",
    " only",
    " ever",
    " moved",
    " by",
    " SQL",
    " – caf",
    "é",
    " 東京",
    "!",
  ],
];

const encoder = new TextEncoder();

/**
 * A whole answer of `count` events, the last of them `[DONE]`, each with its blank line; about 250
 * bytes each.
 */
export function answerEvents(count: number): Uint8Array[] {
  const text = Math.max(1, count - 4);
  const chunk = (fields: Record<string, unknown>) =>
    encoder.encode(`data: ${
      JSON.stringify({
        id: "chatcmpl-BXk3mQ8s1vT0uYwR5nZ7aLcD2eFgH",
        object: "chat.completion.chunk",
        created: 1763769600,
        model: "gpt-4o-2024-08-06",
        service_tier: "default",
        system_fingerprint: "fp_a288987b44",
        ...fields,
      })
    }\n\n`);
  const delta = (delta: Record<string, unknown>, finish: string | null = null) =>
    chunk({ choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }], usage: null });
  return [
    delta({ role: "assistant", content: "", refusal: null }),
    ...Array.from({ length: text }, (_, i) => delta({ content: PIECES[i % PIECES.length] })),
    delta({}, "stop"),
    chunk({
      choices: [],
      usage: {
        prompt_tokens: 12,
        completion_tokens: Math.round(text * 1.2),
        total_tokens: 12 + Math.round(text * 1.2),
        prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
      },
    }),
    encoder.encode("data: [DONE]\n\n"),
  ];
}

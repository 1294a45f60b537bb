/** What people ask in the screenshots, and what the demo provider is ordered to answer. */
import type { DemoScript } from "../local/demo_provider/script.ts";

export interface Exchange {
  readonly question: string;
  readonly order: DemoScript;
}

const INDEX_ANSWER = `Because the index is on \`created_at\` alone, and you ask for one customer.

Postgres walks **every** order of the month and throws away those of other customers. An index that \
begins with the customer reads only what you want:

\`\`\`sql
create index orders_by_customer
  on orders (customer_id, created_at desc);
\`\`\`

| plan | rows read | time |
| --- | ---: | ---: |
| before | 1,204,118 | 840 ms |
| after | 37 | 0.4 ms |

Two things to know before you run it:

1. Use \`create index concurrently\` on a table that is written to.
2. Drop the old index afterwards if nothing else asks by date alone.`;

const CONCURRENTLY_ANSWER =
  `It lets writes go on while the index is built. The price is two passes \
over the table instead of one, and it cannot run inside a transaction. If it fails it leaves an \
**invalid** index behind: drop that and try again.`;

/** The chat that most pictures show. */
export const INDEX_CHAT: readonly Exchange[] = [
  {
    question: "Why is this query slow? It asks for one customer's orders of the last month.",
    order: { text: INDEX_ANSWER, prompt_tokens: 412 },
  },
  {
    question: "What does “concurrently” change?",
    order: { text: CONCURRENTLY_ANSWER, prompt_tokens: 655, cached_tokens: 384 },
  },
];

/** Chats from before, each of one exchange: they fill the sidebar and the usage page. */
export const EARLIER_CHATS: readonly (Exchange & { readonly model: string })[] = [
  {
    model: "anthropic:claude-sonnet-4-5",
    question: "Draft a note to tenants about the lift repair",
    order: { output_tokens: 420, prompt_tokens: 180 },
  },
  {
    model: "openai:gpt-4o-mini",
    question: "Synonyms for “thorough” in a job advert",
    order: { output_tokens: 900, prompt_tokens: 2_400 },
  },
  {
    model: "anthropic:claude-opus-4-1",
    question: "Check this lease for unusual clauses",
    order: { output_tokens: 640, prompt_tokens: 3_150 },
  },
  {
    model: "openai:gpt-4o",
    question: "Plan three days in Lisbon with a toddler",
    order: { output_tokens: 760, prompt_tokens: 96 },
  },
];

const STORY = `# The last tram

The driver counted the coins twice, as she did every night. Four hundred and eleven. One more \
than the tickets said.

She looked down the empty aisle. At the very back, where the heater never worked, a boy was asleep \
with his cheek against the window and a paper bag on his knees. He had not been there at the last \
stop. Nobody had been there at the last stop.

“End of the line,” she said, not loudly.

He opened his eyes at once, the way people do who have only been pretending. “I know,” he said. “I \
paid for the way back, too.”

`;

/** An answer to watch, and to stop. */
export const STORY_EXCHANGE: Exchange = {
  question: "Write the opening of a short story that is set on the last tram of the night.",
  order: { text: STORY.repeat(2), token_ms: 6, prompt_tokens: 24 },
};

/** An answer that outlasts a small balance. */
export const LONG_EXCHANGE: Exchange = {
  question: "Now tell me the whole story.",
  order: { text: STORY.repeat(16), prompt_tokens: 260 },
};

export const GUEST_EXCHANGES: readonly Exchange[] = [
  {
    question: "What is a good houseplant for a dark hall?",
    order: { text: "A **cast-iron plant**: it lives on little light, and forgives a dry month." },
  },
  {
    question: "How often does it want water?",
    order: { text: "Every two to three weeks. Let the soil dry down to a finger's depth first." },
  },
  {
    question: "And is it safe for cats?",
    order: { text: "Yes. It is not poisonous to cats or dogs." },
  },
  { question: "Which pot should I buy for it?", order: { output_tokens: 30 } },
];

/** What the demo provider says. */
import { tokenize } from "./tokens.ts";

const OPENINGS = [
  "Good question.",
  "Happy to help.",
  "Here is the short version.",
  "Let me take that step by step.",
];

const SENTENCES = [
  "This answer comes from the demo provider, which speaks the provider's own wire format, so your client cannot tell the difference.",
  "Every word that you see arrives as a token of its own, at about the pace of a real model.",
  "While it streams, the meter counts along, and the exact cost leaves your balance when the last token has arrived.",
  "Nothing is rounded on the way: prices, charges and balances are exact to ten decimals.",
  "Close the window now and you pay for what you have received, or for the whole answer where the provider bills on.",
  "An answer that fails before its first word costs nothing at all.",
  "Set a provider key in the file .env, start again, and the same request reaches the real model.",
  "The receipt of this request lists each class of tokens with its unit price.",
  "A balance that runs low does not surprise you: the answer is made to fit what it can pay.",
  "You can ask for a longer text, for a tool call, or for the number of tokens that you have in mind.",
];

const CLOSINGS = [
  "Is there anything else that you would like to know?",
  "Try asking the same thing again and compare the two costs.",
  "That is all there is to it.",
];

const THOUGHTS = [
  "Let me think about what they need to know.",
  "First the plain facts, then what follows from them.",
  "I should check that once more before I say it.",
  "That holds, so I can put it in a few sentences.",
];

/**
 * The answer to a question, in tokens.
 * @param exactly when given, the answer has so many tokens, repeating itself if it must.
 */
export function composeAnswer(question: string, exactly?: number): string[] {
  const random = generator(question);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const quoted = question.replace(/\s+/g, " ").slice(0, 80);
  const lead = quoted === "" ? "" : ` You asked: “${quoted}${question.length > 80 ? "…" : ""}”.`;
  const first = Math.floor(random() * SENTENCES.length);
  const body = [0, 1, 2, 3].map((i) => SENTENCES[(first + i * 3) % SENTENCES.length]!);
  const tokens = tokenize(`${pick(OPENINGS)}${lead}\n\n${body.join(" ")}\n\n${pick(CLOSINGS)}`);
  if (exactly === undefined) return tokens;
  const more = tokenize(` ${SENTENCES.join(" ")}`);
  for (let i = 0; tokens.length < exactly; i++) tokens.push(more[i % more.length]!);
  return tokens.slice(0, exactly);
}

/** Reasoning about a question, in exactly so many tokens. */
export function composeThoughts(question: string, exactly: number): string[] {
  if (exactly === 0) return [];
  const quoted = question.replace(/\s+/g, " ").slice(0, 80);
  const tokens = tokenize(`The user asks: “${quoted}”. ${THOUGHTS.join(" ")}`);
  const more = tokenize(` ${THOUGHTS.join(" ")}`);
  for (let i = 0; tokens.length < exactly; i++) tokens.push(more[i % more.length]!);
  return tokens.slice(0, exactly);
}

/** The same question gets different answers, but not in the same second: retries look alike. */
function generator(question: string): () => number {
  let state = Math.floor(Date.now() / 1000);
  for (const character of question) {
    state = Math.imul(state ^ character.codePointAt(0)!, 2654435761);
  }
  return () => {
    // xorshift32: small, and good enough to pick sentences.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

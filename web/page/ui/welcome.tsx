/** What an empty chat shows. */
import { writeDraft } from "../state/draft.ts";
import { openChat } from "../state/shown_chats.ts";
import { funds } from "../state/funds.ts";
import { focusComposer } from "./places.ts";

const EXAMPLES = [
  "Explain compound interest with a small table",
  "Write a polite reminder for an unpaid invoice",
  "Compare three ways to store dates in a database",
] as const;

export function Welcome() {
  return (
    <section class="welcome">
      <h2>What would you like to know?</h2>
      <p class="lead">{lead()}</p>
      <ul class="examples">
        {EXAMPLES.map((example) => (
          <li key={example}>
            <button type="button" class="example" onClick={() => take(example)}>{example}</button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function lead(): string {
  const known = funds.value;
  if (known?.kind !== "guest") {
    return "You see what a message costs before you send it, and what it cost when it is answered.";
  }
  const { left, limit } = known.exchanges;
  if (left === 0) return `Your ${limit} free messages are used. Sign up to go on.`;
  return `You have ${left} of ${limit} free messages. Sign up whenever you like: your chats come with you.`;
}

function take(example: string): void {
  writeDraft(openChat.peek()?.id ?? null, example);
  requestAnimationFrame(focusComposer);
}

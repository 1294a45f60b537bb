/** What was asked, as it was typed. */
import { useSignal } from "@preact/signals";
import { formatCount } from "../../elements/money_text.ts";
import type { Message } from "../state/types.ts";

const CHARACTERS_MAX = 1_200;
const LINES_MAX = 14;
const SHORTENED_CHARACTERS = 700;

export function Question({ message: { text } }: { readonly message: Message }) {
  const isOpen = useSignal(false);
  const short = shortened(text);
  return (
    <article class="question" data-testid="question" data-state="complete" aria-label="Question">
      <div class="bubble">
        <p class="typed">{short === null || isOpen.value ? text : short}</p>
        {short !== null && (
          <button
            type="button"
            class="act"
            aria-expanded={isOpen.value}
            onClick={() => isOpen.value = !isOpen.value}
          >
            {isOpen.value ? "Show less" : `Show all ${formatCount(wordsOf(text))} words`}
          </button>
        )}
      </div>
    </article>
  );
}

/** Null: it is shown whole. */
function shortened(text: string): string | null {
  const lines = text.split("\n");
  if (text.length <= CHARACTERS_MAX && lines.length <= LINES_MAX) return null;
  return `${lines.slice(0, LINES_MAX - 2).join("\n").slice(0, SHORTENED_CHARACTERS).trimEnd()}…`;
}

function wordsOf(text: string): number {
  return text.match(/\S+/g)?.length ?? 0;
}

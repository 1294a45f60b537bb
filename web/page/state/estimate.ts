/** What the message that is being typed would cost, asked for while it is typed. */
import { effect, type ReadonlySignal, signal } from "@preact/signals";
import { compareDecimals } from "../../client/decimal.ts";
import type { Balance, Estimate } from "../../client/types.ts";
import { formatApprox, formatBalance, formatCount } from "../../elements/money_text.ts";
import { openChat } from "./shown_chats.ts";
import { isStreaming } from "./conversation.ts";
import { historyOf } from "./conversation_history.ts";
import { draft } from "./draft.ts";
import { funds } from "./funds.ts";
import { chosenModel } from "./models.ts";
import { services } from "./services.ts";

/** Asked for when a hand rests, not for each key. */
const REST_MS = 400;

export interface EstimateText {
  readonly text: string;
  /** It costs more than there is. */
  readonly isWarning: boolean;
}

const shown = signal<EstimateText | null>(null);

/** Null: nothing is typed, or it cannot be said. */
export const estimate: ReadonlySignal<EstimateText | null> = shown;

/** Follows what is typed. @returns stops following. */
export function followEstimate(): () => void {
  let before: readonly (string | null)[] = [];
  return effect(() => {
    const question = draft.value;
    const model = chosenModel.value;
    const balance = funds.value;
    const subject = [openChat.value?.id ?? null, model, question];
    // A price is never shown of something else. Of the same it stands while it is asked for again.
    if (subject.some((part, index) => part !== before[index])) shown.value = null;
    before = subject;
    if (question.trim() === "" || isStreaming.value) {
      shown.value = null;
      return;
    }
    const messages = openChat.value?.messages ?? [];
    const abort = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const request = { model, messages: historyOf(messages, { question }) };
        const known = await services().farebox.estimate(request, { signal: abort.signal });
        if (!abort.signal.aborted) shown.value = textOf(known, balance);
      } catch {
        // It is a convenience: sending says what is wrong, if anything is.
        if (!abort.signal.aborted) shown.value = null;
      }
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  });
}

/** @param balance a guest's says how many free messages are left. */
export function textOf(known: Estimate, balance: Balance | null): EstimateText {
  const cost = `≈ ${formatApprox(known.cost_typical)}`;
  if (balance?.kind === "guest") {
    const { left, limit } = balance.exchanges;
    const text = left > 0
      ? `${cost}, free for you: ${left} of ${limit} left`
      : `${cost}, and your ${limit} free messages are used`;
    return { text, isWarning: left === 0 };
  }
  const { available, affordable_answers } = known;
  if (available !== null && compareDecimals(known.cost_typical, available) > 0) {
    const text = `${cost}, more than your ${formatBalance(available)}: the answer may be cut short`;
    return { text, isWarning: true };
  }
  if (affordable_answers === null) return { text: cost, isWarning: false };
  const messages = affordable_answers === 1 ? "message" : "messages";
  return {
    text: `${cost}, about ${formatCount(affordable_answers)} such ${messages} left`,
    isWarning: false,
  };
}

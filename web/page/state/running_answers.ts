/** The answers that come into this tab, by their chats: whoever leaves a chat hangs up on its answer. */

const running = new Map<string, () => void>();

/** @param stop hangs up, and keeps what came. */
export function noteAnswer(chatId: string, stop: () => void): void {
  running.set(chatId, stop);
}

export function noteAnswerEnded(chatId: string): void {
  running.delete(chatId);
}

/** Does nothing where no answer comes. */
export function stopAnswerIn(chatId: string): void {
  running.get(chatId)?.();
}

/** Whoever asked is leaving. */
export function stopAllAnswers(): void {
  for (const stop of [...running.values()]) stop();
}

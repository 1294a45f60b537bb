/**
 * Chats that are being removed from the store: in their turn, and that may come late. A page that goes
 * before leaves them to the next one.
 */
import { type Owner, removeChat } from "./chat_store.ts";
import { inTurn } from "./store_queue.ts";

/** `at`: when it was deleted, ISO 8601. A chat of that id that was begun later is another. */
export interface Removal {
  readonly id: string;
  readonly at: string;
}

const underway = new Set<Removal>();

/** What may not be removed yet. */
export function removalsUnderway(): readonly Removal[] {
  return [...underway];
}

/** Calls `before` in the same turn. */
export async function removeInTurn(
  removal: Removal,
  before: (of: Owner) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  underway.add(removal);
  await inTurn(async (of) => {
    await before(of);
    await removeChat(of, removal);
  });
  underway.delete(removal);
}

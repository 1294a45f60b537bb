/** Whose chats are shown, and the one queue of all that is read and written of them. */
import { signal } from "@preact/signals";
import { isRefusal, type Owner } from "./chat_store.ts";

/** False from when the browser refused to store a chat. */
export const chatsAreStored = signal(true);

let owner: Owner | null = null;
let writing: Promise<void> = Promise.resolve();

/** Null: nobody's. */
export function currentOwner(): Owner | null {
  return owner;
}

/** What is in the queue goes on for whoever was before. */
export function changeOwner(next: Owner | null): void {
  owner = next;
}

/** Reads or writes in its turn, and does nothing any more where the browser has refused to store. */
export function store(work: (of: Owner) => Promise<void>): Promise<void> {
  return inTurn(async (of) => {
    if (chatsAreStored.value) await work(of);
  });
}

/**
 * One after another, so that an old state never overwrites a newer one. Of itself only for what
 * removes: that makes room where there is none, and must not be undone by a reload.
 */
export function inTurn(work: (of: Owner) => Promise<void>): Promise<void> {
  const of = owner;
  writing = writing.then(async () => {
    if (of === null) return;
    try {
      await work(of);
    } catch (error) {
      if (isRefusal(error)) chatsAreStored.value = false;
      // A bug, in one chat perhaps: what comes after it is stored.
      else console.error(error);
    }
  });
  return writing;
}

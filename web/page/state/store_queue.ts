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

/** One after another, so that an old state never overwrites a newer one. */
export function store(work: (of: Owner) => Promise<void>): Promise<void> {
  const of = owner;
  writing = writing.then(async () => {
    if (of === null || !chatsAreStored.value) return;
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

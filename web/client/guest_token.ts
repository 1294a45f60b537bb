/** A guest's token: signed by the functions, sent back with each of the guest's requests. */
import type { FareboxOptions } from "./farebox.ts";

const KEY = "farebox-guest-token";

export interface GuestToken {
  read(): string | null;
  /** Keeps what an answer's `x-guest-token` said; null is no news. */
  keep(token: string | null): void;
}

/** Keeps the token in the storage, and in memory where that is forbidden, full or absent. */
export function createGuestToken(given: FareboxOptions["storage"]): GuestToken {
  let inMemory: string | null = null;
  const storage = () => given ?? globalThis.localStorage;
  return {
    read() {
      try {
        return storage().getItem(KEY) ?? inMemory;
      } catch {
        return inMemory;
      }
    },
    keep(token) {
      if (token === null || token === inMemory) return;
      inMemory = token;
      try {
        storage().setItem(KEY, token);
      } catch {
        // Kept in memory: the guest is known until the page is left.
      }
    },
  };
}

/**
 * What the browser keeps as text, as far as it lets. Where that is full or refused, what is kept
 * lasts as long as the page is open, and nothing throws.
 */

export interface KeptTexts {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
  keys(): readonly string[];
}

/** For all tabs, until it is removed. */
export const browserStorage: KeptTexts = textsIn(() => localStorage);

/** For this tab, until it is closed. */
export const tabStorage: KeptTexts = textsIn(() => sessionStorage);

/** @param storage throws where it is refused: even naming it does. */
function textsIn(storage: () => Storage): KeptTexts {
  const inMemory = new Map<string, string>();
  return {
    getItem(key) {
      const kept = inMemory.get(key);
      if (kept !== undefined) return kept;
      try {
        return storage().getItem(key);
      } catch {
        return null;
      }
    },

    setItem(key, value) {
      try {
        storage().setItem(key, value);
        inMemory.delete(key);
      } catch {
        inMemory.set(key, value);
      }
    },

    removeItem(key) {
      inMemory.delete(key);
      try {
        storage().removeItem(key);
      } catch {
        // It was refused before: nothing is there.
      }
    },

    keys() {
      try {
        return [...new Set([...Object.keys(storage()), ...inMemory.keys()])];
      } catch {
        return [...inMemory.keys()];
      }
    },
  };
}

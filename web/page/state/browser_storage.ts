/**
 * The browser's localStorage, as far as it lets. Where it is full or refused, what is kept lasts as
 * long as the page is open, and nothing throws.
 */
const inMemory = new Map<string, string>();

export const browserStorage = {
  getItem(key: string): string | null {
    const kept = inMemory.get(key);
    if (kept !== undefined) return kept;
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },

  setItem(key: string, value: string): void {
    try {
      localStorage.setItem(key, value);
      inMemory.delete(key);
    } catch {
      inMemory.set(key, value);
    }
  },

  removeItem(key: string): void {
    inMemory.delete(key);
    try {
      localStorage.removeItem(key);
    } catch {
      // It was refused before: nothing is there.
    }
  },
};

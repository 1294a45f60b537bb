/**
 * A stand-in for a tokenizer: pieces of the size that real ones make of English, so that counts and
 * prices look right. It is not any vendor's vocabulary, and the counts reported are its own.
 */

/** Short words whole with the space before them, long ones in parts, marks alone. */
const PIECES = / ?[\p{L}\p{M}]{1,12}|\p{L}{1,6}|\p{N}{1,3}| ?[^\s\p{L}\p{N}]{1,2}|\s+/gu;

/** The text in tokens; joined they are the text again. */
export function tokenize(text: string): string[] {
  return text.match(PIECES) ?? [];
}

export function countTokens(text: string): number {
  return tokenize(text).length;
}

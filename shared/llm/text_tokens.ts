/**
 * How many tokens a text can be, and how many it likely is, before anybody has counted. One pass, a
 * table and two sums: no tokenizer, whose vocabulary alone would be megabytes in every isolate.
 */

/** Counts text as it comes, in pieces of any size; a piece goes on where the last one ended. */
export interface TextTokens {
  add(text: string): void;
  /** What is added next is a text of its own: no token spans the two. */
  separate(): void;
  /** Upper bound, which reservations are made with. Holds for any text in o200k and cl100k. */
  upper(): number;
  /** Fair estimate, which a charge without a report is made with. Never above `upper`. */
  estimate(): number;
}

export function createTextTokens(): TextTokens {
  let upperThirds = 0;
  let estimateHundredths = 0;
  let state: number = SIGN;

  function add(text: string): void {
    // Locals: with captured variables, ten megabytes would take three times as long.
    let [thirds, hundredths, before] = [0, 0, state];
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      const kind = unit < 0x80 ? KIND_OF_ASCII[unit]! : kindBeyondAscii(unit);
      const step = before * KINDS + kind;
      thirds += UPPER_THIRDS[step]!;
      hundredths += ESTIMATE_HUNDREDTHS[step]!;
      before = kind === SPACE && (before === SPACE || before === SPACES) ? SPACES : kind;
    }
    upperThirds += thirds;
    estimateHundredths += hundredths;
    state = before;
  }

  return {
    add,
    separate: () => void (state = SIGN),
    upper: () => Math.ceil(upperThirds / 3),
    estimate: () => Math.ceil(estimateHundredths / 100),
  };
}

// What a UTF-16 unit is.
const COMMON = 0; // a lower-case ASCII letter that makes a token with any other such letter
const RARE = 1; // the other lower-case ASCII letters
const CAPITAL = 2;
const DIGIT = 3;
const SPACE = 4;
const BREAK = 5; // line ends and tabs
const SIGN = 6; // any other ASCII; also what the beginning of a text counts as
const TWO_BYTES = 7;
const THREE_BYTES = 8;
const HIGH = 9; // first half of a pair
const LOW = 10; // second half
const KINDS = 11;
/** Only a state: a space, and one before it. */
const SPACES = 11;
const STATES = 12;

/** "qz", "yj" and the like are two tokens: whoever writes only such pairs has a token a letter. */
const RARE_LETTERS = "jkqvxyz";

const KIND_OF_ASCII = Uint8Array.from({ length: 0x80 }, (_, unit) => {
  const char = String.fromCharCode(unit);
  if (/[a-z]/.test(char)) return RARE_LETTERS.includes(char) ? RARE : COMMON;
  if (/[A-Z]/.test(char)) return CAPITAL;
  if (/[0-9]/.test(char)) return DIGIT;
  if (char === " ") return SPACE;
  return /[\t\n\r]/.test(char) ? BREAK : SIGN;
});

function kindBeyondAscii(unit: number): number {
  if (unit < 0x800) return TWO_BYTES;
  if (unit < 0xd800 || unit >= 0xe000) return THREE_BYTES;
  return unit < 0xdc00 ? HIGH : LOW;
}

/** Both tables are indexed by the state before a unit and its kind. */
const UPPER_THIRDS = table(upperThirdsOf);
const ESTIMATE_HUNDREDTHS = table(estimateHundredthsOf);

function table(weigh: (before: number, kind: number) => number): Uint8Array {
  return Uint8Array.from(
    { length: STATES * KINDS },
    (_, step) => weigh(Math.floor(step / KINDS), step % KINDS),
  );
}

function isSpace(state: number): boolean {
  return state === SPACE || state === SPACES;
}

function isLower(state: number): boolean {
  return state === COMMON || state === RARE;
}

/**
 * One token a byte, and less only where two neighbours are sure to be a token. Then no two tokens
 * of one byte stand side by side, so at worst every third byte is one, and the rest are pairs: two
 * tokens for three bytes ("duh" again and again is just that). Sure are: two common letters; a space
 * and any letter. A run of spaces is one token, but its last space can belong to what follows.
 */
function upperThirdsOf(before: number, kind: number): number {
  if (kind === COMMON && before === COMMON) return 2;
  if (kind <= CAPITAL && isSpace(before)) return 2;
  if (kind === SPACE && before === SPACES) return 1;
  if (kind === TWO_BYTES) return 6;
  // A half that stands alone is sent as U+FFFD, of three bytes; a pair has four.
  if (kind === LOW && before === HIGH) return 3;
  return kind >= THREE_BYTES ? 9 : 3;
}

/**
 * Fitted to what o200k makes of English, code, JSON, base64, hex and digits: words are mostly one
 * token, what is no word takes one for every change of kind. Each weight is at most what the upper
 * bound gives to the same unit, or to it and the space before it.
 */
function estimateHundredthsOf(before: number, kind: number): number {
  switch (kind) {
    case COMMON:
    case RARE:
      if (isLower(before)) return kind === COMMON ? 9 : 38;
      if (before === CAPITAL) return 77;
      return before === DIGIT ? 90 : 45;
    case CAPITAL:
      if (before === CAPITAL) return 46;
      if (isLower(before)) return 100;
      return before === DIGIT ? 90 : 45;
    case DIGIT:
      if (before === DIGIT) return 34;
      if (isSpace(before)) return before === SPACE ? 160 : 100; // The space is a token of its own.
      return before <= CAPITAL ? 90 : 80;
    case SPACE:
      return isSpace(before) ? 3 : 20;
    case BREAK:
      return before === BREAK ? 10 : 25;
    case SIGN:
      return before === SIGN ? 25 : 80;
    case TWO_BYTES:
      return before === TWO_BYTES ? 27 : 55;
    case THREE_BYTES:
      return 65;
    default:
      return 85;
  }
}

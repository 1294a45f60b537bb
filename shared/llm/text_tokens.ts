/**
 * How many tokens a text can be, and how many it likely is, before anybody has counted. One pass, a
 * table and two sums: no tokenizer, whose vocabulary alone would be megabytes in every isolate.
 */
import { ASCII_KINDS, CAPITAL, KIND_OF_UNIT, KINDS, scriptOf } from "./text_tokens_kinds.ts";
import { isSpace, SPACE, SPACES, START, stateAfter, STATES } from "./text_tokens_kinds.ts";
import { estimateHundredthsOf } from "./text_tokens_table.ts";

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
  let state: number = START * KINDS;

  function add(text: string): void {
    // Locals: with captured variables, ten megabytes would take three times as long.
    let [thirds, hundredths, before] = [0, 0, state];
    for (let i = 0; i < text.length; i++) {
      const step = STEPS[before + KIND_OF_UNIT[text.charCodeAt(i)]!]!;
      thirds += step & 0xf;
      hundredths += (step >>> 4) & 0x3ff;
      before = step >>> 14;
    }
    upperThirds += thirds;
    estimateHundredths += hundredths;
    state = before;
  }

  const upper = () => Math.ceil(upperThirds / 3);
  return {
    add,
    separate: () => void (state = START * KINDS),
    upper,
    estimate: () => Math.min(Math.ceil(estimateHundredths / 100), upper()),
  };
}

const RARE_LETTERS = [..."jkqvxyz"].map((letter) => letter.charCodeAt(0) - 0x61);

/** The first unit of the script of a state; 0 where it is none. */
const FIRST_UNIT = Array.from(
  { length: STATES },
  (_, state) => scriptOf(state)?.ranges[0]?.[0] ?? 0,
);

/**
 * All that one unit does, by the state before it times `KINDS`, plus its kind: from the lowest bit,
 * 4 bits of thirds for the bound, 10 of hundredths for the estimate, and the state after it, times
 * `KINDS`. One look-up a unit: this runs for every one of a prompt and of an answer.
 */
const STEPS = Uint32Array.from({ length: STATES * KINDS }, (_, step) => {
  const before = Math.floor(step / KINDS);
  const kind = step % KINDS;
  return upperThirdsOf(before, kind) | estimateHundredthsOf(before, kind) << 4 |
    stateAfter(before, kind) * KINDS << 14;
});

/**
 * One token a byte, and less only where two neighbours are sure to be a token. Then no two tokens
 * of one byte stand side by side, so at worst every third byte is one, and the rest are pairs: two
 * tokens for three bytes ("duh" again and again is just that). Sure are: two common letters; a space
 * and any letter. A run of spaces is one token, but its last space can belong to what follows.
 */
function upperThirdsOf(before: number, kind: number): number {
  if (isCommonLetter(kind) && isCommonLetter(before)) return 2;
  if (kind <= CAPITAL && isSpace(before)) return 2;
  if (kind === SPACE && before === SPACES) return 1;
  if (kind < ASCII_KINDS) return 3;
  // A half that stands alone is sent as U+FFFD, of three bytes; a pair has four.
  if (isSecondHalf(kind) && isFirstHalf(before)) return 3;
  return isOfTwoBytes(kind) ? 6 : 9;
}

/** "qz", "yj" and the like are two tokens: whoever writes only such pairs has a token a letter. */
function isCommonLetter(state: number): boolean {
  return state < CAPITAL && !RARE_LETTERS.includes(state);
}

function isOfTwoBytes(state: number): boolean {
  return FIRST_UNIT[state]! < 0x800;
}

function isFirstHalf(state: number): boolean {
  return FIRST_UNIT[state]! >= 0xd800 && FIRST_UNIT[state]! < 0xdc00;
}

function isSecondHalf(state: number): boolean {
  return FIRST_UNIT[state] === 0xdc00;
}

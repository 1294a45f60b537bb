/**
 * What a UTF-16 unit is to the counting of tokens: its kind. Finer than a bound needs, for the
 * estimate: how many letters of a script make a token differs by a factor of ten.
 */

// Kinds 0 to 25 are the lower-case ASCII letters.
export const CAPITAL = 26;
export const DIGIT = 27;
export const SPACE = 28;
const LINE_END = 29;
const TAB = 30;
/** Signs by what they do in code and markup: a token is seldom made of two sorts. */
const SIGNS = ["-=*#_~/.", "([{<", ")]}>;,", "\"'`", ":?!", "|\\$%&@+^"];
const FIRST_SIGN = 31;
const CLOSING_SIGN = FIRST_SIGN + 2;
const CONTROL = FIRST_SIGN + SIGNS.length;
export const ASCII_KINDS = CONTROL + 1;

/** Units beyond ASCII, and how much of a token each is, in hundredths. */
export interface Script {
  readonly name: string;
  /** Scripts that go on in one another; "latin" goes on from ASCII letters too. */
  readonly group?: "latin" | "cyrillic" | "pairs";
  /** Where the unit before is of another script and group. */
  readonly first: number;
  /** Where it is of the same. */
  readonly next: number;
  /** An ASCII letter after it. All of the group "latin" have it, and no others. */
  readonly letter?: number;
  /** Of units, first to last. All have as many bytes in UTF-8. */
  readonly ranges: readonly (readonly [number, number])[];
}

/** A later script overrules an earlier one. Fitted; see `text_tokens_table.ts`. */
export const SCRIPTS: readonly Script[] = [
  { name: "Two bytes", first: 10, next: 224, ranges: [[0x80, 0x7ff]] },
  { name: "Three bytes", first: 288, next: 295, ranges: [[0x800, 0xffff]] },
  {
    name: "Western letters",
    group: "latin",
    first: 124,
    next: 53,
    letter: 10,
    ranges: [[0xc0, 0xff]],
  },
  {
    name: "Nordic letters",
    group: "latin",
    first: 64,
    next: 64,
    letter: 43,
    ranges: eachOf("ÄÅÆÖØäåæðöøþ"),
  },
  {
    name: "Eastern letters",
    group: "latin",
    first: 142,
    next: 65,
    letter: 44,
    ranges: [[0x100, 0x24f]],
  },
  {
    name: "Vietnamese letters",
    group: "latin",
    first: 10,
    next: 20,
    letter: 10,
    ranges: [[0x1e00, 0x1eff]],
  },
  {
    name: "Combining marks",
    group: "latin",
    first: 72,
    next: 269,
    letter: 110,
    ranges: [[0x300, 0x36f]],
  },
  {
    name: "Western signs",
    first: 10,
    next: 20,
    ranges: [[0x80, 0xbf], [0xd7, 0xd7], [0xf7, 0xf7]],
  },
  { name: "Greek", first: 94, next: 27, ranges: [[0x370, 0x3ff]] },
  { name: "Other Cyrillic", group: "cyrillic", first: 50, next: 108, ranges: [[0x400, 0x52f]] },
  { name: "Common Cyrillic", group: "cyrillic", first: 37, next: 20, ranges: [[0x410, 0x44f]] },
  {
    name: "Rare Cyrillic",
    group: "cyrillic",
    first: 61,
    next: 88,
    ranges: eachOf("ЖФХЦЧШЩЪЭЮжфхцчшщъэю"),
  },
  { name: "Armenian", first: 64, next: 22, ranges: [[0x531, 0x58f]] },
  { name: "Hebrew", first: 62, next: 39, ranges: [[0x590, 0x5ff]] },
  { name: "Arabic", first: 66, next: 26, ranges: [[0x600, 0x6ff]] },
  {
    name: "Northern Indic, Tamil, Malayalam",
    first: 25,
    next: 37,
    ranges: [[0x900, 0x9ff], [0xa80, 0xaff], [0xb80, 0xbff], [0xd00, 0xd7f]],
  },
  {
    name: "Telugu, Kannada, Burmese",
    first: 10,
    next: 51,
    ranges: [[0xc00, 0xcff], [0x1000, 0x109f]],
  },
  {
    name: "Gurmukhi, Sinhala, Khmer",
    first: 52,
    next: 63,
    ranges: [[0xa00, 0xa7f], [0xd80, 0xdff], [0x1780, 0x17ff]],
  },
  { name: "Thai", first: 76, next: 40, ranges: [[0xe00, 0xe7f]] },
  { name: "Georgian", first: 42, next: 27, ranges: [[0x10a0, 0x10ff]] },
  { name: "Lao, Tibetan", first: 295, next: 166, ranges: [[0xe80, 0xfff], [0xb00, 0xb7f]] },
  { name: "Ethiopic", first: 285, next: 198, ranges: [[0x1200, 0x139f]] },
  { name: "Hangul", first: 121, next: 45, ranges: [[0xac00, 0xd7a3]] },
  { name: "Kana", first: 126, next: 39, ranges: [[0x3041, 0x30ff]] },
  { name: "Han", first: 82, next: 69, ranges: [[0x4e00, 0x9fff]] },
  { name: "Chinese signs", first: 173, next: 71, ranges: [[0x3000, 0x303f], [0xff00, 0xffef]] },
  { name: "Quotes and dashes", first: 75, next: 45, ranges: [[0x2010, 0x203f]] },
  { name: "Symbols", first: 47, next: 222, ranges: [[0x2040, 0x2bff]] },
  { name: "Box drawing", first: 104, next: 48, ranges: [[0x2500, 0x259f]] },
  {
    name: "Joiners",
    group: "pairs",
    first: 54,
    next: 23,
    ranges: [[0x200b, 0x200f], [0xfe00, 0xfe0f]],
  },
  { name: "First half", group: "pairs", first: 63, next: 258, ranges: [[0xd800, 0xdbff]] },
  {
    name: "First half of a letter",
    group: "pairs",
    first: 62,
    next: 134,
    ranges: [[0xd835, 0xd835]],
  },
  {
    name: "First half of an emoji",
    group: "pairs",
    first: 71,
    next: 60,
    ranges: [[0xd83c, 0xd83e]],
  },
  { name: "Second half", group: "pairs", first: 18, next: 145, ranges: [[0xdc00, 0xdfff]] },
];

export const KINDS = ASCII_KINDS + SCRIPTS.length;

// A state is the kind of the unit before, or one of these.
export const SECOND_DIGIT = KINDS;
export const THIRD_DIGIT = KINDS + 1;
/** A space, and one before it. */
export const SPACES = KINDS + 2;
export const STATES = KINDS + 3;
/** What the beginning of a text counts as. */
export const START = CLOSING_SIGN;

function eachOf(letters: string): [number, number][] {
  return [...letters].map((letter) => [letter.charCodeAt(0), letter.charCodeAt(0)]);
}

/** Kind of each UTF-16 unit. 64 KiB, filled in ranges: a look-up is cheaper than comparisons. */
export const KIND_OF_UNIT = kindOfUnits();

function kindOfUnits(): Uint8Array {
  const kinds = new Uint8Array(0x10000);
  for (let unit = 0; unit < 0x80; unit++) kinds[unit] = kindOfAscii(unit);
  SCRIPTS.forEach(({ ranges }, i) => {
    for (const [first, last] of ranges) kinds.fill(ASCII_KINDS + i, first, last + 1);
  });
  return kinds;
}

function kindOfAscii(unit: number): number {
  const char = String.fromCharCode(unit);
  if (/[a-z]/.test(char)) return unit - 0x61;
  if (/[A-Z]/.test(char)) return CAPITAL;
  if (/[0-9]/.test(char)) return DIGIT;
  if (char === " ") return SPACE;
  if (/[\n\r]/.test(char)) return LINE_END;
  if (char === "\t") return TAB;
  const sign = SIGNS.findIndex((signs) => signs.includes(char));
  return sign < 0 ? CONTROL : FIRST_SIGN + sign;
}

/** The state after a unit. */
export function stateAfter(before: number, kind: number): number {
  if (kind === SPACE) return isSpace(before) ? SPACES : SPACE;
  if (kind !== DIGIT) return kind;
  // Three digits are a token, the fourth begins another.
  if (before === DIGIT) return SECOND_DIGIT;
  return before === SECOND_DIGIT ? THIRD_DIGIT : DIGIT;
}

export function isSpace(state: number): boolean {
  return state === SPACE || state === SPACES;
}

/** Script of a kind or state; undefined for what is ASCII. */
export function scriptOf(state: number): Script | undefined {
  return SCRIPTS[state - ASCII_KINDS];
}

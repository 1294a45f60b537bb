/**
 * How much of a token a UTF-16 unit likely is, after the one before: the weights of the estimate.
 *
 * Fitted by least squares to what o200k makes of the Universal Declaration in 70 languages, prose,
 * code, JSON, LaTeX, tables and random text of many alphabets. Two letters that often stand together
 * in English are cheap, the pairs of Polish, Finnish or base64 dear: that tells languages apart
 * without knowing any. No weight of two letters is below 6: nobody's odd text is free.
 */
import { ASCII_KINDS, CAPITAL, scriptOf } from "./text_tokens_kinds.ts";
import { SECOND_DIGIT, SPACE, SPACES, THIRD_DIGIT } from "./text_tokens_kinds.ts";

/** A letter (a to z) after a letter (a line each): a digit is three hundredths, in base 36. */
const LETTER_AFTER_LETTER = [
  "b233zd8l2v5242z6z22222625z",
  "jzdtcf82a292dzhlk62oguphgj",
  "272a2eh22523pl2ce2z22ljf85",
  "3c222zc62k2wzn72hg2z3umn6l",
  "572222693en322545224r2926z",
  "5rbf22tn6cudkq3lk2i62jko2z",
  "a6zz2m328zztb8ili2c2czzkzo",
  "9ntb4vzd2fzw222hz9h2cwzn4e",
  "3225522zz2q52222o642z2mzz2",
  "3phk2if8zi2zp25njnpz2bflmj",
  "to2j4yqg3pgdz2qphz5hzz7ewk",
  "5w6226z52jz7pi2hhj3922zg2h",
  "42xb2zzz2gz22z52iu2b5uahz3",
  "2o222j222abh2773j22224ofaz",
  "z22222e222275222x28224282y",
  "8fmo4zp2bks22q22e2222kjzzf",
  "zlhjqvjizcbkjjzezodq2psgqd",
  "3z22222w4o292222s235922l2e",
  "7z2c4di52zp4z222a2225r2l2z",
  "426q2v222wd25x52g26a7ual2z",
  "222z2d6zcwe522z5z273zjaa29",
  "3hps2ljn2omsow6lmwsrznojzi",
  "5pnj6bo22jzzk83nl42itogggg",
  "2j3p2fih6fgmeuf2pju45izk4l",
  "2z8zhyzp82zb2f35dz24zz2feq",
  "2lhrbmoktezzdn6kg2oz2xzg2z",
].map(hundredthsOf);
/** What a letter costs more where a word begins, written alike. */
const FIRST_LETTER = hundredthsOf("80799776bdec7dc78679abbqe5");

/** Hundredths of: a letter, a capital, a digit, a space, a line end, a tab, the signs, control. */
const ASCII_AFTER = [
  "0 30 59 13 132 75 55 33 88 59 63 134 40", // a letter
  "19 44 160 93 78 40 10 101 43 15 55 160 40", // a capital
  "148 160 82 43 160 40 154 51 102 89 51 95 40", // 1st digit of 3
  "9 60 0 97 21 40 144 48 49 23 57 42 40", // 2nd digit
  "1 57 17 24 45 40 25 40 19 18 40 40 40", // 3rd digit
  "28 17 160 14 83 34 18 110 12 99 22 45 40", // one space
  "23 19 65 3 62 81 89 34 28 73 57 23 40", // more spaces
  "23 103 153 58 7 47 10 32 10 10 40 10 40", // a line end
  "67 40 40 64 63 35 40 40 40 40 40 40 40", // a tab
  "10 10 56 69 27 40 3 60 86 86 104 117 40", // - = * # _ ~ / .
  "10 10 97 45 32 40 117 47 32 15 77 66 40", // ( [ { <
  "10 10 81 27 41 41 15 15 15 15 63 96 40", // ) ] } > ; ,
  "77 20 58 51 86 40 73 55 15 26 15 15 40", // " ' `
  "79 108 10 10 89 40 15 15 100 15 15 90 40", // : ? !
  "71 159 72 16 10 40 87 56 139 77 124 93 40", // other signs
  "40 40 40 40 40 40 40 40 40 40 40 40 40", // control
  "57 96 110 10 108 40 80 19 52 110 10 40 40", // beyond ASCII
].map((row) => row.split(" ").map(Number));

/** The line of `ASCII_AFTER` for a state. */
function rowOf(state: number): number {
  if (state < CAPITAL) return 0;
  if (state === SECOND_DIGIT) return 3;
  if (state === THIRD_DIGIT) return 4;
  if (state === SPACES) return 6;
  if (state >= ASCII_KINDS) return scriptOf(state)?.letter === undefined ? 16 : 0;
  const row = state - CAPITAL + 1; // Capital 1, digit 2.
  if (state < SPACE) return row;
  return state === SPACE ? 5 : row + 3;
}

/** Hundredths of a token that a unit of this kind is in this state. Integer of at most 300. */
export function estimateHundredthsOf(before: number, kind: number): number {
  if (kind >= ASCII_KINDS) return ofScript(before, kind);
  if (kind >= CAPITAL) return ASCII_AFTER[rowOf(before)]![kind - CAPITAL + 1]!;
  if (before < CAPITAL) return LETTER_AFTER_LETTER[before]![kind]!;
  const script = scriptOf(before);
  if (script?.letter !== undefined) return script.letter;
  const begins = script === undefined ? FIRST_LETTER[kind]! : 0;
  return ASCII_AFTER[rowOf(before)]![0]! + begins;
}

function ofScript(before: number, kind: number): number {
  const script = scriptOf(kind)!;
  const group = before < CAPITAL ? "latin" : scriptOf(before)?.group;
  const goesOn = before === kind || (group !== undefined && group === script.group);
  return goesOn ? script.next : script.first;
}

function hundredthsOf(row: string): number[] {
  return [...row].map((digit) => parseInt(digit, 36) * 3);
}

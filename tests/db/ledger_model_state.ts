/** What the model of the ledger keeps, what it is asked, and what it answers. */
import type { Usd } from "../../shared/pricing/money.ts";
import type { Price } from "../../shared/pricing/price.ts";

export type Enforcement = "enforce" | "observe" | "off";

/** One call of the ledger. Users and requests are numbers: which of the few there are. */
export type ModelStep =
  | {
    kind: "reserve";
    user: number;
    request: number;
    input: number;
    output: number;
    canExtend: boolean;
    withFallback: boolean;
    enforcement: Enforcement;
    key: string | null;
    hash: string;
  }
  | { kind: "extend"; request: number; total: number; input: number; output: number }
  | {
    kind: "settle";
    request: number;
    input: number;
    output: number;
    basis: "reported" | "estimated";
    /** Which of the two models answered. */
    byFallback: boolean;
  }
  | { kind: "release"; request: number }
  | { kind: "worker dies"; request: number }
  | { kind: "expire" }
  | { kind: "refund"; request: number; amount: Usd | null; key: string }
  | { kind: "credit"; user: number; amount: Usd; adjusts: boolean; key: string }
  | { kind: "reprice"; output: Usd };

/** A reservation, for as long as it is remembered. */
export interface Hold {
  user: number;
  model: Price;
  fallback: Price | null;
  inputMax: number;
  markup: number;
  enforced: boolean;
  state: "open" | "settled" | "released" | "expired";
  amount: Usd;
  outputReserved: number;
  outputLimit: number;
  /** What was delivered so far, as far as its worker said. */
  delivered: { input: number; output: number };
  isOverdue: boolean;
  key: string | null;
  hash: string;
}

/** A charge, or a correction of one; differences then. */
export interface Charge {
  model: string;
  input: number;
  output: number;
  basis: "reported" | "estimated" | "checkpoint";
  cost: Usd;
  collected: Usd;
  uncollected: Usd;
  before: Usd;
  after: Usd;
}

/** An entry of a credit, by its key. */
export interface Credit {
  user: number;
  amount: Usd;
  kind: "top_up" | "adjustment" | "refund";
  request: number | null;
}

export interface Ledger {
  accounts: { balance: Usd; reserved: Usd }[];
  holds: Map<number, Hold>;
  /** At most two a request: the charge and its correction. */
  charges: Map<number, Charge[]>;
  credits: Map<string, Credit>;
  model: Price;
  fallback: Price;
  settings: { minimum: Usd; slice: number; markup: number };
}

/** What the ledger says: its answer, or `refused` with a code and the evidence. */
export type Answer = Readonly<Record<string, Usd | string | number | null>>;

export const refused = (code: string, evidence: Answer = {}): Answer => ({
  refused: code,
  ...evidence,
});
export const NOT_FOUND = refused("REQUEST_NOT_FOUND");
export const least = (a: Usd, b: Usd): Usd => a < b ? a : b;
export const available = ({ balance, reserved }: { balance: Usd; reserved: Usd }): Usd =>
  balance - reserved;

/**
 * What an isolate remembers of the accounts that it served: a hint of who can pay without doubt,
 * never an authority. `reserve` decides, whatever stands here.
 */
import type { Reservation } from "../../../shared/credit/results.ts";
import { parseUsd, type Usd } from "../../../shared/pricing/money.ts";

export interface KnownAccounts {
  /** A reservation was granted: it tells what is left. */
  noteReserved(userId: string, reservation: Reservation): void;
  /** A charge was settled; `balance` is a decimal string in USD. */
  noteBalance(userId: string, balance: string): void;
  /** Something was refused, or was other than thought: nothing is known any more. */
  forget(userId: string): void;
  /** Counts the account out for a while, whatever is heard of it. */
  distrust(userId: string): void;
  /** Whether this isolate sees a key of a user's for the first time; from now on it has seen it. */
  isNewKey(userId: string, key: string): boolean;
  /**
   * Sets `amount` aside until its reservation is answered, if at least `least` is known to be there
   * beside what is set aside already. Undefined where it is not, or nothing is known.
   *
   * @returns what gives it back, once.
   */
  setAside(userId: string, amount: Usd, least: Usd): (() => void) | undefined;
}

type Account = {
  /** Available when the ledger last told; null: not known. */
  available: Usd | null;
  toldAtMs: number;
  /** When the reservation that told it expires: by that the ledger's answers have an order. */
  toldUntil: string;
  /** Of the minute's limit of requests; null where there is none. */
  requestsLeft: number | null;
  distrustedUntilMs: number;
  /** Set aside for requests whose reservation is not answered. */
  aside: Usd;
  asideCount: number;
  /** Idempotency keys, the newest last. */
  keys: string[];
};

const ACCOUNTS_MAX = 1_000;
/** Other isolates serve the same account: what was told longer ago says little. */
const TOLD_MS_MAX = 10 * 60_000;
const DISTRUSTED_MS = 5 * 60_000;
/** So many requests must be left in the minute: others may come by another isolate. */
const REQUESTS_LEFT_MIN = 5;
/** A repeat comes soon after the first. */
const KEYS_MAX = 32;

/** Builds the memory. Make one per isolate. */
export function createKnownAccounts(now: () => number): KnownAccounts {
  // Insertion order is age of use: the first one was not used for longest.
  const accounts = new Map<string, Account>();

  function accountOf(userId: string): Account {
    const account = accounts.get(userId) ?? {
      available: null,
      toldAtMs: 0,
      toldUntil: "",
      requestsLeft: null,
      distrustedUntilMs: 0,
      aside: 0n,
      asideCount: 0,
      keys: [],
    };
    accounts.delete(userId);
    if (accounts.size >= ACCOUNTS_MAX) accounts.delete(leastMissed());
    accounts.set(userId, account);
    return account;
  }

  /** Not one that something is set aside of, or that is distrusted, as long as there is another. */
  function leastMissed(): string {
    const nowMs = now();
    for (const [userId, { asideCount, distrustedUntilMs }] of accounts) {
      if (asideCount === 0 && distrustedUntilMs <= nowMs) return userId;
    }
    return accounts.keys().next().value!;
  }

  return {
    noteReserved(userId, reservation) {
      const account = accountOf(userId);
      const { available, enforcement, output_limited_by: by, requests_limit } = reservation;
      // Where less than was asked for could be paid, there is nothing left to build on.
      const isAmple = enforcement === "enforce" &&
        (by === null || by === "client" || by === "model");
      const told = isAmple && available !== null ? parseUsd(available) : null;
      // Answers can overtake one another: of two the lesser counts.
      const isOlder = reservation.expires_at < account.toldUntil;
      account.available = isOlder ? lesser(account.available, told) : told;
      if (isOlder) return;
      account.requestsLeft = requests_limit?.remaining ?? null;
      account.toldUntil = reservation.expires_at;
      account.toldAtMs = now();
    },

    noteBalance(userId, balance) {
      const account = accounts.get(userId);
      if (account === undefined || account.available === null) return;
      // What other requests hold is not told with it: it can only lower what is known.
      const most = parseUsd(balance);
      if (most < account.available) account.available = most;
    },

    forget(userId) {
      const account = accounts.get(userId);
      if (account !== undefined) account.available = null;
    },

    distrust(userId) {
      const account = accountOf(userId);
      account.available = null;
      account.distrustedUntilMs = now() + DISTRUSTED_MS;
    },

    isNewKey(userId, key) {
      const { keys } = accountOf(userId);
      if (keys.includes(key)) return false;
      keys.push(key);
      if (keys.length > KEYS_MAX) keys.shift();
      return true;
    },

    setAside(userId, amount, least) {
      if (!accounts.has(userId)) return undefined;
      const account = accountOf(userId);
      if (account.available === null) return undefined;
      const nowMs = now();
      if (nowMs - account.toldAtMs > TOLD_MS_MAX || nowMs < account.distrustedUntilMs) {
        return undefined;
      }
      if (account.available - account.aside < least) return undefined;
      const { requestsLeft } = account;
      if (requestsLeft !== null && requestsLeft - account.asideCount < REQUESTS_LEFT_MIN) {
        return undefined;
      }
      account.aside += amount;
      account.asideCount++;
      let isAside = true;
      return () => {
        if (!isAside) return;
        isAside = false;
        account.aside -= amount;
        account.asideCount--;
      };
    },
  };
}

/** Nothing is known where either is not. */
function lesser(a: Usd | null, b: Usd | null): Usd | null {
  if (a === null || b === null) return null;
  return a < b ? a : b;
}

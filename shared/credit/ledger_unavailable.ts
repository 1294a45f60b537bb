/**
 * The ledger could not answer: network, timeout, a 5xx, or an answer of an unknown form. Nothing may
 * be concluded about what it did; every money function may be called again with the same key.
 *
 * `message` and `reason` are safe to log: they never hold a URL, a key or a database's own text.
 */
export class LedgerUnavailable extends Error {
  override name = "LedgerUnavailable";
  /** `timeout`, `network`, `http 503`, a SQLSTATE or PostgREST code, or what was malformed. */
  readonly reason: string;
  /** The SQL function that was called. */
  readonly operation: string;

  constructor(operation: string, reason: string) {
    super(`The ledger did not answer ${operation}: ${reason}`);
    this.operation = operation;
    this.reason = reason;
  }
}

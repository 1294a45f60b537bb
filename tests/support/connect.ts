/** Connections to the test cluster. */
import postgres from "postgres";

/** A pool of connections. */
export type Sql = postgres.Sql;
/** A pool, or one connection inside a transaction. */
export type Query = postgres.Sql | postgres.TransactionSql;

/** Opens a pool that prints no notices. */
export function connect(url: string, options: postgres.Options<Record<string, never>> = {}): Sql {
  return postgres(url, { onnotice: () => {}, ...options });
}

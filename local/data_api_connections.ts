/**
 * The Data API's connections to PostgreSQL, of which one that is lost takes nothing along but what
 * ran on it.
 *
 * The driver's pool makes a lost connection again in its place, together with what had not been
 * written to the old one: it hangs then, gives a query another's answer, or runs the rest of a
 * transaction outside of it. Here whoever holds a lost connection is told so, and nobody gets it
 * again.
 */
import postgres, { type Sql } from "postgres";

interface Connection {
  readonly sql: Sql;
  isLost: boolean;
  /** Rejects the latest query, where it has no answer yet. */
  fail(error: Error): void;
}

/** Of the driver's `reserve` what the query builder above it uses. */
export interface Lease {
  unsafe(text: string, parameters: string[]): Promise<unknown>;
  release(): void;
}

/** Puts such connections behind `driver.reserve()`, no more at a time than its `max`. */
export function replaceLostConnections(driver: Sql): void {
  const all = new Set<Connection>();
  const idle = new Set<Connection>();
  let waiting: PromiseWithResolvers<Connection>[] = [];
  let isEnding = false;

  const open = (): Connection => {
    const options = {
      ...driver.options,
      max: 1,
      // Neither may end one in the middle of a transaction.
      max_lifetime: null,
      idle_timeout: null,
      onclose: (id: number) => {
        lose(made);
        driver.options.onclose?.(id);
      },
    };
    const sql = postgres(options as unknown as postgres.Options<never>);
    const made: Connection = { sql, isLost: false, fail: () => {} };
    all.add(made);
    return made;
  };
  const lose = (connection: Connection) => {
    connection.isLost = true;
    // The driver forgets a query that is asked between the error of its socket and its end.
    connection.fail(new ConnectionLost());
    if (idle.delete(connection)) discard(connection);
  };
  const discard = (connection: Connection) => {
    all.delete(connection);
    void connection.sql.end({ timeout: 0 });
    if (!isEnding) waiting.shift()?.resolve(open());
  };
  const release = (connection: Connection) => {
    if (connection.isLost) return discard(connection);
    const next = waiting.shift();
    if (next === undefined) idle.add(connection);
    else next.resolve(connection);
  };
  const free = async (): Promise<Connection> => {
    if (isEnding) throw new ConnectionLost();
    for (const connection of idle) {
      idle.delete(connection);
      return connection;
    }
    if (all.size < driver.options.max) return open();
    const next = Promise.withResolvers<Connection>();
    waiting.push(next);
    return await next.promise;
  };
  const end = driver.end.bind(driver);
  Object.assign(driver, {
    reserve: async () => {
      const connection = await free();
      return lease(connection, () => release(connection));
    },
    end: async (how?: { timeout?: number }) => {
      isEnding = true;
      for (const { reject } of waiting) reject(new ConnectionLost());
      waiting = [];
      await Promise.all([end(how), ...[...all].map(({ sql }) => sql.end(how))]);
    },
  });
}

/** One query at a time: what waits in the driver when a connection is lost would run on the next. */
function lease(connection: Connection, release: () => void): Lease {
  let latest: Promise<unknown> = Promise.resolve();
  return {
    unsafe(text, parameters) {
      const result = latest.then(() => {
        if (connection.isLost) throw new ConnectionLost();
        return new Promise((resolve, reject) => {
          connection.fail = reject;
          connection.sql.unsafe(text, parameters).then(resolve, reject);
        });
      });
      latest = result.catch((error) => {
        // The socket closes a moment later.
        connection.isLost ||= isOfConnection(error);
      });
      return result;
    },
    release,
  };
}

/** Not of the query alone: PostgreSQL's goodbye, or an error of the socket or of connecting. */
function isOfConnection(error: Error & { code?: unknown }): boolean {
  if (error instanceof postgres.PostgresError) return error.severity !== "ERROR";
  return /^(CONNECT|E[A-Z]+$)/.test(String(error.code));
}

class ConnectionLost extends Error {
  /** The driver's own. */
  readonly code = "CONNECTION_CLOSED";
  constructor() {
    super("The connection was lost: nothing more can be asked on it");
  }
}

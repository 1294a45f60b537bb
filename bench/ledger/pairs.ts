/**
 * Pairs of reserve and settle, as many as a number of connections can do: each call a transaction of
 * its own as service_role, with the statements that PostgREST sends for it, prepared.
 */
import type { ReservedSql } from "postgres";
import { connect, type Sql } from "../../tests/support/connect.ts";
import { newRequestId } from "../../shared/edge/request_id.ts";
import { userId, USERS } from "./fill.ts";

export interface Load {
  readonly connections: number;
  /** How many users the requests are spread over, of those that `fill` made; 1 is a hot one. */
  readonly users: number;
  readonly seconds: number;
}

export interface Measured {
  readonly pairs: number;
  readonly pairsPerSecond: number;
  /** Milliseconds from the beginning of a reserve to the end of its settle, with nothing between. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A connection keeps plans from a statement's sixth time on. */
const WARM_UP_PAIRS = 8;
const CLAIMS = JSON.stringify({ role: "service_role" });

/** Connections that stay open from load to load, as PostgREST's pool does. */
export class Callers {
  private constructor(
    private readonly sql: Sql,
    private readonly connections: readonly ReservedSql[],
  ) {}

  /** Opens them, and lets each do some pairs that are not counted. */
  static async open(url: string, count: number): Promise<Callers> {
    const sql = connect(url, { max: count });
    const connections = await Promise.all(Array.from({ length: count }, () => sql.reserve()));
    await Promise.all(connections.map(async (connection) => {
      for (let n = 0; n < WARM_UP_PAIRS; n++) await pair(connection, randomUser(USERS), n);
    }));
    return new Callers(sql, connections);
  }

  /** Does pairs for so many seconds. @throws when one is refused: all of them have credit. */
  async run({ connections, users, seconds }: Load): Promise<Measured> {
    const tookMs: number[] = [];
    const beganAt = performance.now();
    const endsAt = beganAt + seconds * 1000;
    await Promise.all(
      this.connections.slice(0, connections).map(async (connection, index) => {
        let startedAt = performance.now();
        for (let n = index; startedAt < endsAt; n += connections) {
          await pair(connection, randomUser(users), n);
          const now = performance.now();
          tookMs.push(now - startedAt);
          startedAt = now;
        }
      }),
    );
    // All that were begun are done, and counted with the time that the last one took.
    const tookSeconds = (performance.now() - beganAt) / 1000;
    tookMs.sort((a, b) => a - b);
    const at = (share: number) => tookMs[Math.floor((tookMs.length - 1) * share)] ?? NaN;
    return {
      pairs: tookMs.length,
      pairsPerSecond: tookMs.length / tookSeconds,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    };
  }

  close(): Promise<void> {
    for (const connection of this.connections) connection.release();
    return this.sql.end({ timeout: 5 });
  }
}

function randomUser(users: number): string {
  return userId(1 + Math.floor(Math.random() * users));
}

/** What an ordinary message asks for and uses. */
async function pair(sql: Sql, user: string, n: number): Promise<void> {
  const requestId = newRequestId();
  const chatId = `b0b4c1de-3f25-4a46-8a5e-${(n >> 3).toString(16).padStart(12, "0")}`;
  await asService(
    sql,
    () =>
      sql`select public.reserve(
      p_request_id => ${requestId}, p_user_id => ${user}, p_guest_token_id => null,
      p_guest_address_hash => null, p_guest_limit => null, p_provider_id => 'openai',
      p_model_id => 'gpt-4o', p_input_tokens_max => ${1500}, p_output_tokens_max => ${1000},
      p_chat_id => ${chatId}, p_idempotency_key => null, p_request_hash => null)`,
  );
  await asService(
    sql,
    () =>
      sql`select public.settle(
      p_request_id => ${requestId}, p_input_tokens => ${200 + n % 800}, p_cache_read_tokens => ${0},
      p_cache_write_5m_tokens => ${0}, p_cache_write_1h_tokens => ${0},
      p_output_tokens => ${50 + n % 400}, p_basis => 'reported',
      p_provider_request_id => ${"chatcmpl-" + requestId.replaceAll("-", "").slice(3)},
      p_finish => 'stop', p_first_token_ms => ${400}, p_duration_ms => ${3000})`,
  );
}

/**
 * One transaction as PostgREST's: role and claims are set, the function is called. Its statements are
 * sent at once, where PostgREST waits for each answer: the waiting is the network's, not the ledger's.
 */
async function asService(sql: Sql, run: () => Promise<unknown>): Promise<void> {
  await Promise.all([
    sql`begin`,
    sql`select set_config('search_path', 'public, extensions', true),
      set_config('role', 'service_role', true), set_config('request.jwt.claims', ${CLAIMS}, true)`,
    run(),
    sql`commit`,
  ]);
}

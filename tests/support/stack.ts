/**
 * A whole stack for a test file: real Postgres, real HTTP, its own process.
 *
 *     const stack = await startTestStack();
 *     Deno.test.afterAll(() => stack.stop());
 */
import { connect, type Sql } from "./connect.ts";
import { startKeeper } from "./keeper.ts";
import type { KeptStack, StackOrder } from "./stack_keeper.ts";
import { until } from "./until.ts";

/** Somebody who signed up. */
export interface TestUser {
  readonly id: string;
  readonly email: string;
  readonly token: string;
}

export interface TestStack extends Omit<KeptStack, "controlUrl"> {
  readonly url: string;
  /** `<url>/functions/v1` */
  readonly functionsUrl: string;
  /** A pool as `postgres`, the owner of the tables. */
  readonly sql: Sql;
  /** Signs somebody new up, as a browser would. */
  signUp(): Promise<TestUser>;
  /** Lines that the functions have printed so far, oldest first. */
  log(): Promise<string[]>;
  /** The first line with all these words, waited for. */
  logged(...words: string[]): Promise<string>;
  /** Null while it is being restarted. */
  functionsPid(): Promise<number | null>;
  postgres(order: "stop" | "kill" | "start"): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a stack; a few seconds. The caller must `stop()` it. */
export async function startTestStack(order: StackOrder = {}): Promise<TestStack> {
  const keeper = await startKeeper<KeptStack>("stack_keeper.ts", JSON.stringify(order));
  const { controlUrl, ...kept } = keeper.kept;
  const sql = connect(kept.details.dbUrl, { max: 4 });
  // Everybody here has one address; the limit has its own tests.
  await sql`update billing.settings set welcome_per_address_per_day_max = null`;

  const control = async <T>(method: "GET" | "POST", path: string): Promise<T> => {
    const response = await fetch(controlUrl + path, { method });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return await response.json();
  };
  const log = () => control<string[]>("GET", "/log");
  // One after another: each takes the local Auth's one thread for a password's hash, and the hook of
  // the first must not wait for all of them.
  let latest: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = latest.then(work);
    latest = result.catch(() => {});
    return result;
  };
  return {
    ...kept,
    url: kept.details.url,
    functionsUrl: kept.details.functionsUrl,
    sql,
    log,
    signUp: () => inTurn(() => signUp(kept)),
    logged: (...words) =>
      until(
        `a line of the functions with ${words.join(" and ")}`,
        async () => (await log()).find((line) => words.every((word) => line.includes(word))),
        90_000,
      ),
    functionsPid: () => control("GET", "/functions-pid"),
    postgres: (order) => control("POST", `/postgres/${order}`),
    async stop() {
      await sql.end({ timeout: 1 });
      await keeper.process.stdin.close();
      await keeper.process.status;
    },
  };
}

async function signUp({ details }: Pick<KeptStack, "details">): Promise<TestUser> {
  const email = `${crypto.randomUUID()}@example.com`;
  const response = await fetch(`${details.url}/auth/v1/signup`, {
    method: "POST",
    headers: { apikey: details.publishableKey, "content-type": "application/json" },
    body: JSON.stringify({ email, password: crypto.randomUUID() }),
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`Cannot sign up: ${response.status} ${body}`);
  const session: { access_token: string; user: { id: string } } = JSON.parse(body);
  return { id: session.user.id, email, token: session.access_token };
}

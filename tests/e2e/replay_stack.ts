/** A stack whose every provider is one upstream under the test's hand, with rich users. */
import { accountOf, setBalance } from "../support/charges.ts";
import { startTestStack, type TestStack, type TestUser } from "../support/stack.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { questionId } from "./replay_client.ts";
import {
  insertPrices,
  MARKUP_BASIS_POINTS,
  MODEL,
  type Prices,
  pricesAt,
} from "./replay_prices.ts";

/** More than all replays of one user cost. */
const BALANCE = "4000";
/** So many questions are under way at once, each of another user. */
const USERS = 24;

export interface ReplayStack extends TestStack {
  readonly users: readonly TestUser[];
  /** By provider. */
  readonly prices: ReadonlyMap<string, Prices>;
  /** Answers one question by its id; a question without an answer fails. */
  readonly answers: Map<number, () => Response>;
  readonly upstream: Upstream;
  /** Works on all items, as many at once as there are users. */
  each<T>(
    items: readonly T[],
    work: (user: TestUser, item: T, index: number) => Promise<void>,
  ): Promise<void>;
  /** The balance that each user began with, less what is there now. */
  spent(): Promise<Map<string, bigint>>;
}

/** Starts it for these providers. */
export async function startReplayStack(providers: readonly string[]): Promise<ReplayStack> {
  const upstream = startUpstream();
  const answers = new Map<number, () => Response>();
  upstream.respond = (body) => {
    upstream.bodies.length = 0; // Thousands of them, and nobody looks.
    const answer = answers.get(questionId(body));
    return answer === undefined ? new Response("asked twice", { status: 500 }) : answer();
  };
  const stack = await startTestStack({ env: environment(providers, upstream.url) });
  await stack.sql`update billing.settings set markup_basis_points = ${String(MARKUP_BASIS_POINTS)}`;
  const prices = new Map(providers.map((provider, index) => [provider, pricesAt(index)]));
  for (const [provider, price] of prices) await insertPrices(stack.sql, provider, MODEL, price);
  const users = await Promise.all(Array.from({ length: USERS }, () => stack.signUp()));
  await Promise.all(users.map((user) => setBalance(stack, user, BALANCE)));
  const begunWith = (await accountOf(stack.sql, users[0]!)).balance;
  return {
    ...stack,
    ...{ users, prices, answers, upstream },
    async each(items, work) {
      let next = 0;
      await Promise.all(users.map(async (user) => {
        while (next < items.length) {
          const index = next++;
          await work(user, items[index]!, index);
        }
      }));
    },
    async spent() {
      const accounts = users.map(async (user) => {
        const { balance, reserved } = await accountOf(stack.sql, user);
        if (reserved !== 0n) throw new Error(`${reserved} is still reserved`);
        return [user.id, begunWith - balance] as const;
      });
      return new Map(await Promise.all(accounts));
    },
    async stop() {
      await stack.stop();
      await upstream.stop();
    },
  };
}

function environment(providers: readonly string[], url: string): Record<string, string> {
  const variables = providers.flatMap((provider) => {
    const prefix = provider.toUpperCase().replace(/[^A-Z0-9]/g, "_");
    return [[`${prefix}_BASE_URL`, url], [`${prefix}_API_KEY`, "sk-replay-key"]];
  });
  return { ...Object.fromEntries(variables), UPSTREAM_RETRIES: "0", HEARTBEAT_SECONDS: "30" };
}

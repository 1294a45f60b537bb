/** Which Farebox a command works on. */
import * as z from "zod/mini";
import { createLedger, type Ledger } from "../shared/credit/ledger.ts";
import { LedgerUnavailable } from "../shared/credit/ledger_unavailable.ts";
import { createPriceLedger, type PriceLedger } from "../shared/credit/prices.ts";
import { createRpc } from "../shared/credit/rpc.ts";
import { BadArgument } from "./arguments.ts";
import { fetchWhereReached } from "./reach.ts";

export type Target = {
  ledger: Ledger;
  prices: PriceLedger;
  /**
   * Calls `public.<name>` with named arguments, and reads its answer.
   * @throws the refusal, or LedgerUnavailable.
   */
  call<T extends z.ZodMiniType>(
    name: string,
    args: Record<string, unknown>,
    answer: T,
  ): Promise<z.infer<T>>;
  /** Where it is: for messages, and what `/auth/v1` and `/functions/v1` are below. */
  url: string;
  secretKey: string;
  /** Null where nobody has said it. */
  publishableKey: string | null;
  /** Connection string of role `postgres`; null where nobody has said it. */
  dbUrl: string | null;
  /** Whether this is the local stack, which costs nothing and hurts nobody. */
  isLocal: boolean;
  json: boolean;
};

/** There is nothing to work on; the message says what to do. */
export class TargetMissing extends Error {
  override name = "TargetMissing";
}

export type TargetOptions = {
  url?: string;
  secretKey?: string;
  publishableKey?: string;
  dbUrl?: string;
  data: string;
  json: boolean;
};

/** An operator's question may read the whole ledger. */
const TIMEOUT_MS = 120_000;

/** The project named by options or environment, else the local stack that runs. */
export async function readTarget(options: TargetOptions): Promise<Target> {
  const url = options.url ?? read("SUPABASE_URL");
  const secretKey = options.secretKey ?? read("SUPABASE_SECRET_KEY");
  if (url !== undefined && secretKey !== undefined) {
    return connect({
      url,
      secretKey,
      publishableKey: options.publishableKey ?? read("SUPABASE_PUBLISHABLE_KEY") ?? null,
      dbUrl: options.dbUrl ?? read("SUPABASE_DB_URL") ?? null,
      isLocal: false,
    }, options.json);
  }
  if (url !== undefined || secretKey !== undefined) {
    throw new TargetMissing(
      "A project needs both its URL and a secret key: give --url and --secret-key, or set " +
        "SUPABASE_URL and SUPABASE_SECRET_KEY.",
    );
  }
  return await readLocalStack(options);
}

/** The connection string of the target, for what only SQL can do. */
export function requireDbUrl(target: Pick<Target, "dbUrl">, what: string): string {
  if (target.dbUrl !== null) return target.dbUrl;
  throw new TargetMissing(
    `${what} needs a connection to the database itself: give --db-url, or set SUPABASE_DB_URL. ` +
      "The dashboard has the string under Connect.",
  );
}

type Place = Pick<Target, "url" | "secretKey" | "publishableKey" | "dbUrl" | "isLocal">;

function connect(place: Place, json: boolean): Target {
  const address = URL.parse(place.url);
  if (address === null || !/^https?:$/.test(address.protocol)) {
    throw new TargetMissing(
      `"${place.url}" is not the URL of a project: it is like https://<ref>.supabase.co.`,
    );
  }
  requireConnectionString(place.dbUrl);
  const url = place.url.replace(/\/+$/, "");
  const options = {
    url,
    secretKey: place.secretKey,
    timeoutMs: TIMEOUT_MS,
    fetch: fetchWhereReached(url),
  };
  const rpc = createRpc(options);
  return {
    ...place,
    url,
    json,
    ledger: createLedger(options),
    prices: createPriceLedger(options),
    async call(name, args, answer) {
      const result = await rpc(name, args);
      if (result.kind === "refused") throw result.refusal;
      const parsed = answer.safeParse(result.data);
      if (parsed.success) return parsed.data;
      const where = parsed.error.issues.slice(0, 3).map((issue) => issue.path.join("."));
      throw new LedgerUnavailable(name, `malformed answer (${where.join(", ")})`);
    },
  };
}

/** Found out before it is used, as much of what a command does needs no database. */
function requireConnectionString(dbUrl: string | null): void {
  if (dbUrl === null || /^postgres(ql)?:$/.test(URL.parse(dbUrl)?.protocol ?? "")) return;
  throw new BadArgument(
    "--db-url is no connection string: it is like postgresql://postgres:<password>@<host>:5432/" +
      "postgres; the dashboard has it under Connect.",
  );
}

async function readLocalStack(options: TargetOptions): Promise<Target> {
  try {
    const run = JSON.parse(await Deno.readTextFile(`${options.data}/run.json`));
    const secrets = JSON.parse(await Deno.readTextFile(`${options.data}/secrets.json`));
    return connect({
      url: run.url,
      secretKey: secrets.secretKey,
      publishableKey: secrets.publishableKey,
      dbUrl: options.dbUrl ?? run.dbUrl ?? null,
      isLocal: true,
    }, options.json);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new TargetMissing(
      `No stack runs on ${options.data}. Start one with \`deno task start\`, name the folder of one ` +
        "that was started with --data, or a project with --url and --secret-key.",
    );
  }
}

/** A variable that is set to nothing is not set. */
function read(name: string): string | undefined {
  return Deno.env.get(name)?.trim() || undefined;
}

/** Which Farebox a command works on. */
import { createLedger, type Ledger } from "../shared/credit/ledger.ts";
import { createPriceLedger, type PriceLedger } from "../shared/credit/prices.ts";

export type Target = {
  ledger: Ledger;
  prices: PriceLedger;
  /** Where it is, for messages. */
  url: string;
  json: boolean;
};

/** There is nothing to work on; the message says what to do. */
export class TargetMissing extends Error {
  override name = "TargetMissing";
}

export type TargetOptions = { url?: string; secretKey?: string; data: string; json: boolean };

/** The project named by options or environment, else the local stack that runs. */
export async function readTarget(options: TargetOptions): Promise<Target> {
  const url = options.url ?? Deno.env.get("SUPABASE_URL");
  const secretKey = options.secretKey ?? Deno.env.get("SUPABASE_SECRET_KEY");
  if (url !== undefined && secretKey !== undefined) {
    return { ...connect(url, secretKey), json: options.json };
  }
  if (url !== undefined || secretKey !== undefined) {
    throw new TargetMissing(
      "A project needs both its URL and a secret key: give --url and --secret-key, or set " +
        "SUPABASE_URL and SUPABASE_SECRET_KEY.",
    );
  }
  return { ...await readLocalStack(options.data), json: options.json };
}

function connect(url: string, secretKey: string): Omit<Target, "json"> {
  const options = { url, secretKey };
  return { ledger: createLedger(options), prices: createPriceLedger(options), url };
}

async function readLocalStack(folder: string): Promise<Omit<Target, "json">> {
  try {
    const run = JSON.parse(await Deno.readTextFile(`${folder}/run.json`));
    const secrets = JSON.parse(await Deno.readTextFile(`${folder}/secrets.json`));
    return connect(run.url, secrets.secretKey);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new TargetMissing(
      `No stack runs on ${folder}. Start one with \`deno task start\`, or name a project with ` +
        "--url and --secret-key.",
    );
  }
}

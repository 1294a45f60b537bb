/**
 * `farebox meter`: what the proxy would count in a response body. It answers "why this price?", by
 * the proxy's own code: dialects, counting rules, event splitter and fairness rule.
 */
import type { DialectName } from "../shared/llm/dialect.ts";
import { DIALECTS } from "../shared/llm/dialects.ts";
import type { MeterSnapshot, ProviderError } from "../shared/llm/meter.ts";
import { meterBody } from "../shared/llm/meter_body.ts";
import { countingRules, findProvider } from "../shared/llm/providers.ts";
import { type MediaTokens, NO_MEDIA, type Tokens } from "../shared/pricing/usage.ts";
import { errorJson } from "./error_json.ts";
import { decideCharge } from "../supabase/functions/chat-proxy/decide_charge.ts";

export type MeterOptions = { dialect?: string; provider?: string; status: string; json: boolean };

/** What is printed. Names and shapes are stable: scripts read them. */
export type Metering = {
  dialect: string;
  provider: string;
  model: string | null;
  /** `reported` by the provider, `estimated` from the text, or `none`: nothing would be charged. */
  basis: "reported" | "estimated" | "none";
  /** In disjoint classes; `null` where nothing is known. An estimate's input is not in the body. */
  tokens: Tokens | (Omit<Tokens, "input"> & { input: null }) | null;
  /** Inside `output`; `null` where it is not told. */
  reasoning: number | null;
  /** Inside `tokens`: each in the class that its name begins with. */
  media: MediaTokens;
  web_searches: number;
  other_models: Record<string, Tokens>;
  service_tier: string | null;
  /** What the provider says that it bills, in USD. */
  provider_cost: string | null;
  provider_request_id: string | null;
  finish: string | null;
  error: ProviderError | null;
  flags: readonly string[];
  /** How the body was understood, and why it counts as it does. */
  framing: "stream" | "whole" | "empty";
  note: string | null;
};

/** Reads a body on stdin and prints its metering. Answers the exit code: 2 for a wrong option. */
export async function meter(options: MeterOptions): Promise<number> {
  const { dialect, provider, status, json } = options;
  if (!isDialect(dialect)) {
    const names = [...DIALECTS.keys()].join(", ");
    return refuse(
      json,
      dialect === undefined
        ? `Say the dialect of the body: --dialect with one of ${names}.`
        : `"${dialect}" is not a dialect. Give one of ${names}.`,
    );
  }
  if (provider === undefined || provider === "") {
    return refuse(json, "Say whose answer it is: --provider with a name such as openai or xai.");
  }
  if (!/^[1-5]\d\d$/.test(status)) {
    return refuse(
      json,
      `"${status}" is not an HTTP status. Give the answer's, such as 200 or 429.`,
    );
  }
  const body = new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
  const metering = meterAnswer(body, dialect, provider, Number(status));
  console.log(JSON.stringify(metering, null, Deno.stdout.isTerminal() ? 2 : undefined));
  return 0;
}

function isDialect(name: string | undefined): name is DialectName {
  return DIALECTS.has(name as DialectName);
}

function refuse(json: boolean, message: string): number {
  console.error(message);
  if (json) console.log(errorJson("BAD_ARGUMENT", message));
  return 2;
}

/** Meters one body. A provider without a row counts by the dialect's own rule. */
export function meterAnswer(
  body: Uint8Array,
  dialectName: DialectName,
  providerName: string,
  status: number,
): Metering {
  const rules = countingRules(findProvider(providerName), dialectName);
  const { framing, snapshot } = meterBody(body, DIALECTS.get(dialectName)!, rules);
  return {
    dialect: dialectName,
    provider: providerName,
    model: snapshot.model,
    ...(status >= 400 ? failed(snapshot, status) : charged(snapshot)),
    service_tier: snapshot.serviceTier,
    provider_request_id: snapshot.providerRequestId,
    finish: snapshot.finish,
    flags: snapshot.flags,
    framing,
  };
}

type Counted = Pick<
  Metering,
  | "basis"
  | "tokens"
  | "reasoning"
  | "media"
  | "web_searches"
  | "other_models"
  | "provider_cost"
  | "error"
  | "note"
>;

/** An answer that the proxy would not meter at all: it is passed on, and its reservation released. */
function failed({ error }: MeterSnapshot, status: number): Counted {
  return {
    ...nothingCounted(),
    error: error ??
      {
        message: `The provider answered with status ${status}.`,
        type: null,
        code: String(status),
      },
    note: "Not charged: an error is never counted, whatever its text.",
  };
}

function charged(snapshot: MeterSnapshot): Counted {
  const { usage, error } = snapshot;
  // The prompt is not in the body: only its half of an estimate is left open.
  const decision = decideCharge(snapshot, 0, "complete");
  if (usage !== null) {
    return {
      basis: "reported",
      tokens: usage,
      reasoning: snapshot.reasoningTokens,
      media: snapshot.media,
      web_searches: snapshot.webSearches,
      other_models: Object.fromEntries(
        snapshot.otherModels.map(({ model, tokens }) => [model, tokens]),
      ),
      provider_cost: snapshot.providerCost,
      error,
      note: decision.kind === "release"
        ? "Not charged: the answer is empty, without content and without output tokens."
        : null,
    };
  }
  if (decision.kind === "release") {
    const why = decision.reason === "empty_answer"
      ? "no usage is reported and nothing was delivered"
      : "the provider failed before it delivered anything";
    return { ...nothingCounted(), error, note: `Not charged: ${why}.` };
  }
  return {
    ...nothingCounted(),
    basis: "estimated",
    tokens: snapshot.prompt === null ? { ...decision.tokens, input: null } : decision.tokens,
    error,
    note: "No usage is reported. The output is estimated from the text; the prompt" +
      (snapshot.prompt === null
        ? ", which is not in the body, is estimated from the request."
        : " is what was reported of it before the answer was cut."),
  };
}

function nothingCounted() {
  return {
    basis: "none" as const,
    tokens: null,
    reasoning: null,
    media: NO_MEDIA,
    web_searches: 0,
    other_models: {},
    provider_cost: null,
  };
}

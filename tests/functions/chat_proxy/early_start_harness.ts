/** chat-proxy with a ledger and a provider that answer when the test says so, for early starts. */
import type { Ledger } from "../../../shared/credit/ledger.ts";
import type { IncidentArgs, ReserveArgs } from "../../../shared/credit/requests.ts";
import type { Reservation } from "../../../shared/credit/results.ts";
import type { EarlyStartSettings } from "../../../shared/credit/settings_cache.ts";
import type { Refusal } from "../../../shared/edge/refusal.ts";
import { parseUsd } from "../../../shared/pricing/money.ts";
import type { Price } from "../../../shared/pricing/price.ts";
import { createHandler } from "../../../supabase/functions/chat-proxy/handler.ts";
import { AS_USER } from "../fakes.ts";
import { ASKING, priceOf, proxyOn, RESERVATION, SETTINGS } from "./handler_harness.ts";

/** $2.50 and $10 a million tokens, and answers of at most 1,000. */
export const PRICE = priceOf({ max_output_tokens: 1000 });

export const REFUSED: Refusal = {
  code: "INSUFFICIENT_BALANCE",
  message: "Add credit.",
  balance: "0",
  available: "0",
};

const encoder = new TextEncoder();
/** A streamed answer, whole. */
export const STREAM = encoder.encode(
  `data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n` +
    `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n` +
    `data: {"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":2,"total_tokens":10}}\n\n` +
    `data: [DONE]\n\n`,
);

/** One request to the provider. */
export type Upstream = {
  body: Record<string, unknown>;
  signal: AbortSignal;
  /** Whether nobody reads the answer that it was given. */
  isCancelled: boolean;
  answer(response?: Response): void;
  fail(error: Error): void;
};

export type Asked = {
  args: ReserveArgs;
  grant(changes?: Partial<Reservation>): void;
  refuse(refusal?: Refusal): void;
  fail(error: unknown): void;
  untracked(): void;
};

export type Options = {
  /** USD that are left of the day's bound; null: the setting is off. */
  lossLeft?: string | null;
  minimumBalance?: string;
  price?: Price;
  others?: readonly Price[];
  variables?: Record<string, string>;
  ledger?: Partial<Ledger>;
};

/** A proxy of which every reserve and every upstream request waits for the test. */
export function earlyProxy(options: Options = {}) {
  const reserves: Asked[] = [];
  const upstreams: Upstream[] = [];
  const recorded: IncidentArgs[] = [];
  const clock = { nowMs: 1_000_000 };
  const { lossLeft = "1" } = options;
  const settings = {
    earlyStarts: lossLeft === null ? undefined : {
      lossLeft: parseUsd(lossLeft),
      minimumBalance: parseUsd(options.minimumBalance ?? "0.01"),
      askedAtMs: clock.nowMs,
    } as EarlyStartSettings | undefined,
  };
  const { deps, steps, background } = proxyOn({
    cached: options.price ?? PRICE,
    ...(options.others && { others: options.others }),
    ...(options.variables && { variables: options.variables }),
    ledger: {
      reserve: (args) => {
        const { promise, resolve, reject } = Promise.withResolvers<Reservation | Refusal | null>();
        reserves.push({
          args,
          grant: (changes = {}) => resolve(granted(args, options.price ?? PRICE, changes)),
          refuse: (refusal = REFUSED) => resolve(refusal),
          fail: reject,
          untracked: () => resolve(null),
        });
        return promise;
      },
      // The first checkpoint of a slow machine.
      extend: () =>
        Promise.resolve({
          state: "extended",
          output_tokens_reserved: 1000,
          available: "9",
          expires_at: null,
        }),
      recordIncident: (incident) => {
        recorded.push(incident);
        return Promise.resolve(null);
      },
      ...options.ledger,
    },
  });
  deps.settings = {
    read: () => {
      const { earlyStarts } = settings;
      return Promise.resolve(earlyStarts ? { ...SETTINGS, earlyStarts } : SETTINGS);
    },
  };
  deps.now = () => clock.nowMs;
  deps.fetch = (_, init) => {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const signal = init!.signal!;
    const upstream: Upstream = {
      body: JSON.parse(String(init?.body)),
      signal,
      isCancelled: false,
      answer: (response = streamResponse(() => upstream.isCancelled = true)) => resolve(response),
      fail: reject,
    };
    signal.addEventListener("abort", () => reject(signal.reason));
    upstreams.push(upstream);
    return promise;
  };
  const handler = createHandler(deps);

  function send(
    body: Record<string, unknown> = {},
    init: { headers?: Record<string, string>; signal?: AbortSignal } = {},
  ) {
    const state: { response: Response | null } = { response: null };
    const response = handler(
      new Request("http://edge.test/chat-proxy/v1/chat/completions", {
        method: "POST",
        headers: { ...AS_USER, ...init.headers },
        body: JSON.stringify({ ...ASKING, stream: true, ...body }),
        ...(init.signal && { signal: init.signal }),
      }),
    ).then((response) => state.response = response);
    return { response, state };
  }

  const reserveNo = (n: number) => soon(`reserve ${n}`, () => reserves[n - 1]);
  const upstreamNo = (n: number) => soon(`upstream request ${n}`, () => upstreams[n - 1]);

  return {
    deps,
    steps,
    background,
    reserves,
    upstreams,
    recorded,
    clock,
    settings,
    send,
    reserveNo,
    upstreamNo,
    /** How often the ledger was asked each of these. */
    counts: (...names: string[]) =>
      names.map((name) => steps.filter(([step]) => step === name).length),
    /** The first request of the user, which makes the account known; with so much left. */
    async makeKnown(available = "10", changes: Partial<Reservation> = {}) {
      const n = reserves.length + 1;
      const m = upstreams.length + 1;
      const { providerId, modelId } = options.price ?? PRICE;
      const { response } = send({ model: `${providerId}:${modelId}` });
      (await reserveNo(n)).grant({ available, balance: available, ...changes });
      (await upstreamNo(m)).answer();
      await (await response).text();
    },
  };
}

export type EarlyProxy = ReturnType<typeof earlyProxy>;

/** As SQL grants it where the balance pays for all that is asked. */
function granted(
  { outputTokensMax }: ReserveArgs,
  price: Price,
  changes: Partial<Reservation>,
): Reservation {
  const max = price.maxOutputTokens ?? 131_072;
  const isClients = outputTokensMax !== null && outputTokensMax <= max;
  return {
    ...RESERVATION,
    output_tokens_limit: isClients ? outputTokensMax : max,
    output_limited_by: isClients ? "client" : "model",
    balance: "10",
    available: "10",
    price,
    candidates: [{ model: "openai:gpt-4o", price }],
    ...changes,
  };
}

export function streamResponse(onCancel: () => void = () => {}): Response {
  let isSent = false;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (isSent) controller.close();
      else controller.enqueue(STREAM);
      isSent = true;
    },
    cancel: onCancel,
  }, { highWaterMark: 0 });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

/** Lets everything run that is not waiting for the test: the work of many promises in a row. */
export async function settleDown(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** As `until`, for what nothing has to be waited for but other promises. */
async function soon<T>(what: string, look: () => T | undefined): Promise<T> {
  for (let turn = 0; turn < 2_000; turn++) {
    const seen = look();
    if (seen !== undefined) return seen;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  throw new Error(`Waited in vain for ${what}`);
}

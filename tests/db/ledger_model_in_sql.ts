/** The steps of the model as calls of SQL, and what SQL has stored in the model's form. */
import { formatUsd, parseUsd, type Usd } from "../../shared/pricing/money.ts";
import { parsePrice } from "../../shared/pricing/price.ts";
import type { TestDatabase } from "../support/database.ts";
import { call, createUser, forgetHeartbeats, refusalOf, settle } from "../support/ledger_calls.ts";
import type { Answer, Ledger, ModelStep } from "./ledger_model_state.ts";

const MODEL = "openai:gpt-4o";
const FALLBACK = "openai:gpt-4.1";
const OUTPUT_PRICE: Usd = parseUsd("0.01");

/** Some users and requests of one run, and the names that SQL knows them by. */
export interface People {
  userIds: string[];
  requestIds: string[];
  /** Keys of credits are unique in all the ledger: this run's begin so. */
  prefix: string;
}

/** New users with a welcome credit of `welcome`, and the ledger that the model begins with. */
export async function newPeople(
  { sql }: TestDatabase,
  users: number,
  requests: number,
): Promise<{ people: People; ledger: Ledger }> {
  const userIds: string[] = [];
  for (let i = 0; i < users; i++) userIds.push(await createUser(sql));
  await reprice(sql, OUTPUT_PRICE);
  const [settings] = await sql`
    select welcome_credit::text as welcome, minimum_balance::text as minimum,
      output_slice_tokens as slice, markup_basis_points as markup from billing.settings`;
  const [prices] = await sql`
    select
      (select billing.price_as_json(price_version) from model_pricing
        where provider_id || ':' || model_id = ${MODEL}) as model,
      (select billing.price_as_json(price_version) from model_pricing
        where provider_id || ':' || model_id = ${FALLBACK}) as fallback`;
  const { welcome, minimum, slice, markup } = settings!;
  return {
    people: {
      userIds,
      requestIds: Array.from({ length: requests }, () => crypto.randomUUID()),
      prefix: crypto.randomUUID(),
    },
    ledger: {
      accounts: userIds.map(() => ({ balance: parseUsd(welcome), reserved: 0n })),
      holds: new Map(),
      charges: new Map(),
      credits: new Map(),
      model: parsePrice(prices?.["model"]),
      fallback: parsePrice(prices?.["fallback"]),
      settings: { minimum: parseUsd(minimum), slice, markup },
    },
  };
}

async function reprice(sql: TestDatabase["sql"], output: Usd): Promise<void> {
  await sql`update model_pricing set output_per_1k = ${formatUsd(output)}::numeric
    where provider_id || ':' || model_id = ${MODEL}`;
}

/** Does the step in SQL. Answers in the model's words; a fault is thrown. */
export async function performInSql(
  database: TestDatabase,
  people: People,
  step: ModelStep,
): Promise<Answer> {
  try {
    return inModelsWords(step, await called(database, people, step));
  } catch (error) {
    const { code, evidence } = await refusalOf(Promise.reject(error));
    return { refused: code, ...amountsOf(evidence, ["balance", "available", "required", "state"]) };
  }
}

async function called(
  { sql, service }: TestDatabase,
  people: People,
  step: ModelStep,
): Promise<Record<string, unknown>> {
  const p_request_id = "request" in step ? people.requestIds[step.request]! : "";
  switch (step.kind) {
    case "reserve":
      return await call(service, "reserve", {
        p_request_id,
        p_user_id: people.userIds[step.user]!,
        p_guest_token_id: null,
        p_guest_address_hash: null,
        p_guest_limit: null,
        p_provider_id: "openai",
        p_model_id: "gpt-4o",
        p_input_tokens_max: step.input,
        p_output_tokens_max: step.output,
        p_chat_id: null,
        p_idempotency_key: step.key,
        p_request_hash: step.hash,
        p_enforcement: step.enforcement,
        p_can_extend: step.canExtend,
        p_fallback_models: step.withFallback ? [FALLBACK] : null,
      });
    case "extend":
      return await call(service, "extend", {
        p_request_id,
        p_output_tokens_total: step.total,
        p_input_tokens: step.input,
        p_output_tokens: step.output,
      });
    case "settle":
      return await settle(service, p_request_id, step.input, step.output, step.basis, {
        p_model: step.byFallback ? FALLBACK : null,
      });
    case "release":
      return await call(service, "release", { p_request_id, p_reason: "failed" });
    case "worker dies":
      await forgetHeartbeats(sql, p_request_id);
      return {};
    case "expire":
      return await call(service, "expire");
    case "refund":
      return await call(service, "refund", {
        p_request_id,
        p_amount: step.amount === null ? null : formatUsd(step.amount),
        p_key: `${people.prefix}:${step.key}`,
        p_reason: "test",
      });
    case "credit":
      return await call(service, "grant_credit", {
        p_user_id: people.userIds[step.user]!,
        p_amount: formatUsd(step.amount),
        p_kind: step.adjusts ? "adjustment" : "top_up",
        p_key: `${people.prefix}:${step.key}`,
      });
    case "reprice":
      await reprice(sql, step.output);
      return {};
  }
}

/** What the model answers to each kind of step; everything else that SQL says is for readers. */
const WORDS: Record<ModelStep["kind"], readonly string[]> = {
  reserve: [
    "amount",
    "output_tokens_reserved",
    "output_tokens_limit",
    "output_limited_by",
    "would_refuse",
    "balance",
    "available",
  ],
  extend: ["state", "refused_by", "output_tokens_reserved", "available"],
  settle: [
    "state",
    "model",
    "basis",
    "cost",
    "collected",
    "uncollected",
    "balance_before",
    "balance",
  ],
  release: ["state"],
  "worker dies": [],
  expire: ["settled", "released"],
  refund: ["state", "amount", "balance"],
  credit: ["state", "amount", "balance"],
  reprice: [],
};

function inModelsWords(step: ModelStep, answer: Record<string, unknown>): Answer {
  const said = amountsOf(
    { refused_by: null, output_limited_by: null, would_refuse: null, ...answer },
    WORDS[step.kind],
  );
  if (step.kind !== "settle") return said;
  const { input, output } = answer["tokens"] as { input: number; output: number };
  return { ...said, input, output };
}

/** Some members of an answer; decimal strings as counts of 1e-10 USD. */
function amountsOf(answer: Record<string, unknown>, names: readonly string[]): Answer {
  return Object.fromEntries(
    names.filter((name) => name in answer).map((name) => {
      const value = answer[name] as string | number | null;
      return [name, typeof value === "string" && /^-?\d/.test(value) ? parseUsd(value) : value];
    }),
  );
}

/** All that is stored of these people, in the form of `storedOf`. */
export async function storedInSql({ sql }: TestDatabase, people: People): Promise<unknown> {
  const [row] = await sql`
    select
      (select json_agg(json_build_array(billing.usd(b.balance), billing.usd(b.reserved))
          order by array_position(${people.userIds}::uuid[], b.user_id))
        from user_balances b where b.user_id = any (${people.userIds}::uuid[])) as accounts,
      coalesce((select json_agg(json_build_array(
            array_position(${people.requestIds}::uuid[], r.request_id) - 1,
            r.state, billing.usd(r.amount), r.output_tokens_reserved, r.output_tokens_limit,
            r.checkpoint_input_tokens, r.checkpoint_output_tokens, r.idempotency_key)
          order by array_position(${people.requestIds}::uuid[], r.request_id))
        from billing.reservations r
        where r.request_id = any (${people.requestIds}::uuid[])), '[]') as holds,
      coalesce((select json_agg(json_build_array(
            array_position(${people.requestIds}::uuid[], u.request_id) - 1, u.basis,
            u.input_tokens, u.output_tokens, billing.usd(u.cost), billing.usd(u.collected),
            billing.usd(u.uncollected), billing.usd(u.balance_before),
            billing.usd(u.balance_after))
          order by array_position(${people.requestIds}::uuid[], u.request_id), u.sequence)
        from usage_records u
        where u.request_id = any (${people.requestIds}::uuid[])), '[]') as charges,
      coalesce((select json_agg(json_build_array(
            right(t.idempotency_key, 2), t.kind, billing.usd(t.amount)) order by t.idempotency_key)
        from balance_transactions t
        where t.idempotency_key like ${`${people.prefix}:%`}), '[]') as credits`;
  return { ...row };
}

/** All that the model keeps, amounts as decimal strings, in an order of its own. */
export function storedOf(ledger: Ledger): unknown {
  const byNumber = <T>(map: Map<number, T>) => [...map].sort(([a], [b]) => a - b);
  return {
    accounts: ledger.accounts.map(({ balance, reserved }) => [
      formatUsd(balance),
      formatUsd(reserved),
    ]),
    holds: byNumber(ledger.holds).map(([request, hold]) => [
      request,
      hold.state,
      formatUsd(hold.amount),
      hold.outputReserved,
      hold.outputLimit,
      hold.delivered.input,
      hold.delivered.output,
      hold.key,
    ]),
    charges: byNumber(ledger.charges).flatMap(([request, charges]) =>
      charges.map((charge) => [
        request,
        charge.basis,
        charge.input,
        charge.output,
        ...[charge.cost, charge.collected, charge.uncollected, charge.before, charge.after]
          .map(formatUsd),
      ])
    ),
    credits: [...ledger.credits].sort(([a], [b]) => a < b ? -1 : 1)
      .map(([key, { kind, amount }]) => [key, kind, formatUsd(amount)]),
  };
}

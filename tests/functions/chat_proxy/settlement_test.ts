import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LedgerUnavailable } from "../../../shared/credit/ledger.ts";
import type { IncidentArgs, SettleArgs } from "../../../shared/credit/requests.ts";
import type { Settlement } from "../../../shared/credit/results.ts";
import { DEFAULT_COUNTING } from "../../../shared/llm/counting_rules.ts";
import type { MeterSnapshot } from "../../../shared/llm/meter.ts";
import { OPENAI_CHAT } from "../../../shared/llm/dialects/openai_chat.ts";
import {
  type SettlementContext,
  type SettlementOptions,
  settleRequest,
} from "../../../supabase/functions/chat-proxy/settlement.ts";

const CONTEXT: SettlementContext = {
  requestId: "01a20378-aa45-7b13-a06b-b3d1e9d882da",
  userId: "11111111-1111-4111-8111-111111111111",
  chatId: "chat-1",
  model: "openai:gpt-4o",
  payment: "reserved",
  inputTokensEstimate: 5,
  inputTokensMax: 40,
  outputTokensLimit: 100,
  webSearchesMin: 0,
  startedMs: 0,
};

const SETTLED: Settlement = {
  state: "settled",
  cost: "0.0012",
  collected: "0.0012",
  uncollected: "0",
  balance_before: "10",
  balance: "9.9988",
  basis: "reported",
  tokens: { input: 8, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, output: 2 },
};

const ANSWER = OPENAI_CHAT.readAnswer({
  id: "chatcmpl-1",
  choices: [{ index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 8, completion_tokens: 2, total_tokens: 10 },
}, DEFAULT_COUNTING);

/** A ledger whose settle fails `outages` times, and a clock that only counts. */
function ledgerAfter(outages: number, settlement: Settlement = SETTLED) {
  const calls: SettleArgs[] = [];
  const waits: number[] = [];
  const later: IncidentArgs[] = [];
  const options: SettlementOptions = {
    ledger: {
      settle: (args) => {
        calls.push(args);
        return calls.length <= outages
          ? Promise.reject(new LedgerUnavailable("settle", "network"))
          : Promise.resolve(settlement);
      },
      release: () => Promise.resolve({ state: "released" }),
      recordIncident: () => Promise.resolve(null),
    },
    now: () => 1000,
    waitUntil: (promise) => void promise,
    recordLater: (incident) => void later.push(incident),
    sleep: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
  };
  return { options, calls, waits, later };
}

/** What is printed while `run` runs. */
async function printed(run: () => Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  const { log, warn, error } = console;
  console.log = console.warn = console.error = (line: string) => void lines.push(line);
  try {
    await run();
  } finally {
    Object.assign(console, { log, warn, error });
  }
  return lines.join("\n");
}

Deno.test("a settle is retried with the same arguments until the ledger answers", async () => {
  const { options, calls, waits } = ledgerAfter(3);
  const log = await printed(async () => {
    const outcome = await settleRequest(CONTEXT, ANSWER, "complete", 3, options);
    assertEquals(outcome?.cost, "0.0012");
  });
  assertEquals(calls.length, 4);
  for (const call of calls) assertEquals(call, calls[0]);
  assertEquals(waits, waits.toSorted((a, b) => a - b));
  assertStringIncludes(
    log,
    'Usage recorded: {"at":"1970-01-01T00:00:01.000Z","request_id":"01a20378',
  );
});

Deno.test("a settle that can not be made leaves one log line with everything to charge it later", async () => {
  const { options, waits, later } = ledgerAfter(Infinity);
  const log = await printed(async () => {
    assertEquals(await settleRequest(CONTEXT, ANSWER, "complete", 3, options), null);
  });
  const line = log.split("\n").find((line) => line.startsWith("Failed to deduct balance: ")) ?? "";
  const facts = JSON.parse(line.slice(line.indexOf("{")));
  assertEquals(facts.unsettled, true);
  assertEquals(facts.request_id, CONTEXT.requestId);
  assertEquals(facts.user_id, CONTEXT.userId);
  assertEquals(facts.model, CONTEXT.model);
  assertEquals(facts.tokens.output, 2);
  assertEquals(facts.basis, "reported");
  assert(waits.reduce((sum, ms) => sum + ms, 0) >= 60_000, "it was tried for a minute");
  assertEquals(facts.at, "1970-01-01T00:00:01.000Z", "when the answer ended");
  assertEquals(
    later.map((
      { kind, requestId, userId, details },
    ) => [kind, requestId, userId, details["model"]]),
    [["deduction_failed", CONTEXT.requestId, CONTEXT.userId, CONTEXT.model]],
    "an incident for when the ledger is back",
  );
});

Deno.test("the first failed attempt is already in the log, for a worker that does not live to its last", async () => {
  const { options, later } = ledgerAfter(1);
  const log = await printed(() => settleRequest(CONTEXT, ANSWER, "complete", 3, options));
  const line = log.split("\n").find((line) => line.startsWith("Settling is retried: ")) ?? "";
  const facts = JSON.parse(line.slice(line.indexOf("{")));
  assertEquals([facts.unsettled, facts.request_id, facts.tokens.output], [
    true,
    CONTEXT.requestId,
    2,
  ]);
  assertEquals([facts.at, later], ["1970-01-01T00:00:01.000Z", []]);
});

Deno.test("a settle that hangs is already in the log, for a worker that is killed before the ledger answers", async () => {
  const { options } = ledgerAfter(0);
  const { promise: answer, resolve: goOn } = Promise.withResolvers<Settlement>();
  const slow = { ...options, ledger: { ...options.ledger, settle: () => answer } };
  const log = await printed(async () => {
    const settling = settleRequest(CONTEXT, ANSWER, "complete", 3, slow);
    const { warn } = console;
    await new Promise<void>((resolve) => {
      console.warn = (line: string) => {
        warn(line);
        resolve();
      };
    });
    goOn(SETTLED);
    assertEquals((await settling)?.cost, "0.0012");
  });
  const lines = log.split("\n").filter((line) => line.startsWith("Settling takes long: "));
  assertEquals(lines.length, 1);
  const facts = JSON.parse(lines[0]!.slice(lines[0]!.indexOf("{")));
  assertEquals([facts.unsettled, facts.request_id, facts.tokens.output], [
    true,
    CONTEXT.requestId,
    2,
  ]);
});

Deno.test("lesson 22: a report that does not add up is charged, and an incident says so", async () => {
  const odd = OPENAI_CHAT.readAnswer({
    id: "chatcmpl-2",
    choices: [{ index: 0, message: { content: "Hello" }, finish_reason: "stop" }],
    usage: { prompt_tokens: 8, completion_tokens: -2, total_tokens: 6 },
  }, DEFAULT_COUNTING);
  const { options, calls } = ledgerAfter(0);
  const incidents: unknown[] = [];
  options.ledger.recordIncident = ({ kind, details }) => {
    incidents.push([kind, details]);
    return Promise.resolve(null);
  };
  await printed(() => settleRequest(CONTEXT, odd, "complete", 3, options));
  assertEquals(calls[0]?.tokens.output, 0);
  const flags = ["negative_count", "total_mismatch", "content_without_output"];
  assertEquals(incidents, [["odd_usage", { model: CONTEXT.model, flags }]]);
});

Deno.test("a report far beyond what the request can have used is charged, and an incident says so", async () => {
  const report = (prompt_tokens: number, completion_tokens: number) =>
    OPENAI_CHAT.readAnswer({
      id: "chatcmpl-3",
      choices: [{ index: 0, message: { content: "Hello" }, finish_reason: "stop" }],
      usage: { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens },
    }, DEFAULT_COUNTING);
  const flagsOf = async (answer: MeterSnapshot) => {
    const { options, calls } = ledgerAfter(0);
    const flags: unknown[] = [];
    options.ledger.recordIncident = ({ details }) => {
      flags.push(...details["flags"] as string[]);
      return Promise.resolve(null);
    };
    await printed(() => settleRequest(CONTEXT, answer, "complete", 3, options));
    assertEquals(calls[0]?.tokens.input, answer.usage?.input);
    return flags;
  };
  assertEquals(await flagsOf(report(1_080, 1_200)), []);
  assertEquals(await flagsOf(report(90_000, 20)), ["input_beyond_bound"]);
  assertEquals(await flagsOf(report(40, 20_000)), ["output_beyond_limit"]);
});

Deno.test("usage that nobody tracks is neither settled nor logged as a failed deduction", async () => {
  const { options, calls } = ledgerAfter(0);
  const log = await printed(() =>
    settleRequest({ ...CONTEXT, payment: "untracked" }, ANSWER, "complete", 3, options)
  );
  assertEquals([calls.length, log], [0, ""]);
});

Deno.test("what the balance did not cover is logged as a failed deduction, with the amount", async () => {
  const { options } = ledgerAfter(0, { ...SETTLED, collected: "0.0002", uncollected: "0.001" });
  const log = await printed(() => settleRequest(CONTEXT, ANSWER, "complete", 3, options));
  assertStringIncludes(log, "Failed to deduct balance");
  assertStringIncludes(log, '"uncollected":"0.001"');
});

Deno.test("a user whose balance paid only a part is told what was collected; others, and guests, are not", async () => {
  const short = { ...SETTLED, collected: "0.0002", uncollected: "0.001" };
  const told = async (settlement: Settlement, context = CONTEXT) => {
    let outcome: Awaited<ReturnType<typeof settleRequest>> = null;
    await printed(async () => {
      const { options } = ledgerAfter(0, settlement);
      outcome = await settleRequest(context, ANSWER, "complete", 3, options);
    });
    return (outcome as { collected?: string } | null)?.collected;
  };
  assertEquals(await told(short), "0.0002");
  assertEquals(await told(SETTLED), undefined);
  assertEquals(await told(short, { ...CONTEXT, userId: null }), undefined);
});

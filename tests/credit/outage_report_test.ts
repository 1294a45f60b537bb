import { assertEquals, assertRejects } from "@std/assert";
import { type Ledger, LedgerUnavailable } from "../../shared/credit/ledger.ts";
import { type OutagePace, reportOutages } from "../../shared/credit/outage_report.ts";
import type { IncidentArgs } from "../../shared/credit/requests.ts";
import { fakeLedger } from "../functions/fakes.ts";
import { until } from "../support/until.ts";

const FAST: OutagePace = { retryAfterMs: Array(500).fill(5), settleDownMs: 5, eachMs: 0 };
/** No attempt but by an answer of the ledger. */
const ASKED: OutagePace = { ...FAST, retryAfterMs: [60_000, 60_000, 60_000] };

const WELCOME = { state: "already_granted", amount: "0", balance: "10" } as const;

/** A ledger that is there or not, as the test says, and what it has recorded. */
function setUp(pace: OutagePace, now?: () => number) {
  const state = { isAway: true, recordings: 0, recorded: [] as IncidentArgs[] };
  const background: Promise<unknown>[] = [];
  const whenThere = <T>(operation: string, answer: () => T): Promise<T> =>
    state.isAway
      ? Promise.reject(new LedgerUnavailable(operation, "network"))
      : Promise.resolve(answer());
  const methods: Pick<Ledger, "welcome" | "healthCheck" | "recordIncident"> = {
    welcome: () => whenThere("welcome", () => WELCOME),
    healthCheck: () => whenThere("health_check", () => ({})),
    recordIncident: (incident) => {
      state.recordings++;
      return whenThere("record_incident", () => {
        state.recorded.push(incident);
        return null;
      });
    },
  };
  let nowMs = 0;
  const reported = reportOutages({ ...fakeLedger({}).ledger, ...methods } as Ledger, {
    waitUntil: (promise) => background.push(promise),
    now: now ?? (() => nowMs += 1000),
    pace,
  });
  const fail = async (times: number) => {
    for (let i = 0; i < times; i++) await assertRejects(() => reported.ledger.healthCheck());
  };
  return { state, background, ...reported, fail };
}

Deno.test("an outage of 1,000 failed calls is one incident, with their number, times and operations", async () => {
  const { state, ledger, fail, background } = setUp(ASKED);
  await fail(999);
  await assertRejects(() => ledger.welcome("u"), LedgerUnavailable, "welcome");
  assertEquals([state.recorded, background.length], [[], 1]);
  state.isAway = false;
  await ledger.healthCheck();
  await Promise.all(background);
  assertEquals(state.recorded.length, 1);
  const { kind, details } = state.recorded[0]!;
  assertEquals(kind, "database_error");
  assertEquals(details["count"], 1000);
  assertEquals(details["operations"], { health_check: 999, welcome: 1 });
  assertEquals(details["first_at"], "1970-01-01T00:00:01.000Z");
  assertEquals(details["last_at"], "1970-01-01T00:16:40.000Z");
});

Deno.test("an outage is reported although nobody asks the ledger again, and its report fails at first", async () => {
  const { state, fail, background } = setUp(FAST);
  await fail(3);
  await until("two reports to have failed", () => state.recordings >= 2);
  state.isAway = false;
  await Promise.all(background);
  assertEquals(state.recorded.map(({ details }) => details["count"]), [3]);
});

Deno.test("nobody waits for the report: an answer is there while it is held up", async () => {
  const { state, ledger, fail, background } = setUp({ ...ASKED, settleDownMs: 50 });
  await fail(1);
  state.isAway = false;
  assertEquals(await ledger.welcome("u"), WELCOME);
  assertEquals(state.recorded, []);
  await Promise.all(background);
  assertEquals(state.recorded.length, 1);
});

Deno.test("what fails while a report is written is counted in the next one, and nothing twice", async () => {
  const { state, ledger, fail, background } = setUp(FAST);
  await fail(2);
  state.isAway = false;
  await ledger.healthCheck();
  await until("the first report", () => state.recorded.length === 1);
  state.isAway = true;
  await fail(5);
  state.isAway = false;
  await until("the second report", () => state.recorded.length === 2);
  await Promise.all(background);
  assertEquals(state.recorded.map(({ details }) => details["count"]), [2, 5]);
});

Deno.test("a ledger that fails every other time is reported once in a while, and not with each request", async () => {
  const { state, ledger, fail, background } = setUp({ ...FAST, eachMs: 200 }, Date.now);
  for (let i = 0; i < 20; i++) {
    state.isAway = true;
    await fail(1);
    state.isAway = false;
    await ledger.healthCheck();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until("everything to be told", () => {
    const told = state.recorded.reduce((sum, { details }) => sum + Number(details["count"]), 0);
    return told === 20;
  });
  await Promise.all(background);
  assertEquals(state.recorded.length <= 3, true, `${state.recorded.length} incidents`);
});

Deno.test("an incident for later is recorded when the ledger is back, and no more than 100 are kept", async () => {
  const { state, ledger, recordLater, background } = setUp(ASKED);
  const incident = { kind: "deduction_failed", userId: null, requestId: null, details: {} };
  for (let i = 0; i < 150; i++) recordLater(incident);
  state.isAway = false;
  await ledger.healthCheck();
  await Promise.all(background);
  assertEquals(state.recorded.length, 100);
});

Deno.test("an answer about a value that the database cannot keep is no outage", async () => {
  const state = { recorded: 0 };
  const background: Promise<unknown>[] = [];
  const { ledger } = reportOutages({
    ...fakeLedger({}).ledger,
    welcome: () => Promise.reject(new LedgerUnavailable("welcome", "http 400, 22P05")),
    recordIncident: () => {
      state.recorded++;
      return Promise.resolve(null);
    },
  } as Ledger, { waitUntil: (promise) => background.push(promise), pace: FAST });
  for (let i = 0; i < 10; i++) {
    await assertRejects(() => ledger.welcome("u"), LedgerUnavailable, "22P05");
  }
  await Promise.all(background);
  assertEquals([background.length, state.recorded], [0, 0]);
});

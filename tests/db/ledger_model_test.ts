/**
 * The ledger in SQL against its model, step by step and all at once.
 *
 * `MODEL_RUNS=20` does twenty times as many runs as the gate.
 */
import { assertEquals, equal } from "@std/assert";
import fc from "fast-check";
import { type TestDatabase, withDatabase } from "../support/database.ts";
import { assertReconciled, call, forgetHeartbeats } from "../support/ledger_calls.ts";
import { outcomesOf } from "./ledger_model.ts";
import { newPeople, performInSql, storedInSql, storedOf } from "./ledger_model_in_sql.ts";
import { modelScripts } from "./ledger_model_scripts.ts";
import type { Answer, Ledger, ModelStep } from "./ledger_model_state.ts";

const TIMES = Number(Deno.env.get("MODEL_RUNS") ?? "1");

/** Little credit, so that much is refused, and a markup, so that something is rounded. */
async function setUp({ sql }: TestDatabase): Promise<void> {
  await sql`update billing.settings set welcome_credit = 0.03, markup_basis_points = 777`;
  // Dearer to ask and cheaper to answer than the other: which one is dearest depends on the usage.
  await sql`update model_pricing set input_per_1k = 0.02, output_per_1k = 0.005
    where model_id = 'gpt-4.1'`;
}

/** Nothing of a run is left open for the next one to sweep. */
async function sweepAll({ sql, service }: TestDatabase): Promise<void> {
  await forgetHeartbeats(sql);
  await call(service, "expire");
}

/** A value with its amounts legible: what a failure prints. */
const legible = (value: unknown): string =>
  JSON.stringify(value, (_, v) => typeof v === "bigint" ? `${v}n` : v);

Deno.test("every step is answered as the model of the ledger answers it, and leaves the same amounts", () =>
  withDatabase(async (database) => {
    await setUp(database);
    let steps = 0;
    const told = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(
        modelScripts({ users: 2, requests: 6, min: 15, max: 40 }),
        async (script) => {
          let { people, ledger } = await newPeople(database, 2, 6);
          const done: ModelStep[] = [];
          for (const step of script) {
            done.push(step);
            const trace = () => `after ${done.map(legible).join("\n")}\n`;
            const answer = await performInSql(database, people, step);
            const stored = await storedInSql(database, people);
            const outcomes = outcomesOf(ledger, step);
            const outcome = outcomes.find((outcome) => equal(storedOf(outcome.ledger), stored)) ??
              outcomes[0]!;
            assertEquals(answer, outcome.answer, trace());
            assertEquals(stored, storedOf(outcome.ledger), trace());
            ledger = outcome.ledger;
            const word = `${step.kind} ${answer["refused"] ?? answer["state"] ?? ""}`;
            told.set(word, (told.get(word) ?? 0) + 1);
            steps++;
          }
          await assertReconciled(database.sql);
          await sweepAll(database);
        },
      ),
      { numRuns: 25 * TIMES },
    );
    if (TIMES > 1) console.log(`${steps} steps`, Object.fromEntries([...told].sort()));
  }));

/** What an actor asked and was told. */
interface Told {
  step: ModelStep;
  answer: Answer;
}

/**
 * Whether some order of all that the actors did, each actor's in its own order, explains every answer
 * and what is stored in the end.
 */
function isExplained(
  ledger: Ledger,
  actors: readonly (readonly Told[])[],
  stored: unknown,
): boolean {
  if (actors.every((told) => told.length === 0)) return equal(storedOf(ledger), stored);
  return actors.some(([next, ...later], i) =>
    next !== undefined &&
    outcomesOf(ledger, next.step, true).some((outcome) =>
      equal(outcome.answer, next.answer) &&
      isExplained(outcome.ledger, actors.with(i, later), stored)
    )
  );
}

Deno.test("whatever several connections do at once, some order of it through the model explains it", () =>
  withDatabase(async (database) => {
    await setUp(database);
    const script = (min: number, max: number) => modelScripts({ users: 1, requests: 2, min, max });
    let steps = 0;
    await fc.assert(
      fc.asyncProperty(
        script(1, 5),
        fc.array(script(2, 2).map((steps) => steps.slice(0, 3)), { minLength: 3, maxLength: 4 }),
        async (before, scripts) => {
          let { people, ledger } = await newPeople(database, 1, 2);
          for (const step of before) {
            await performInSql(database, people, step);
            const stored = await storedInSql(database, people);
            ledger = outcomesOf(ledger, step).map((outcome) => outcome.ledger)
              .find((ledger) => equal(storedOf(ledger), stored))!;
          }
          const told = await Promise.all(scripts.map(async (script) => {
            const told: Told[] = [];
            // Prices are changed by an update of the catalogue, outside of the ledger's order.
            for (const step of script.filter(({ kind }) => kind !== "reprice")) {
              told.push({ step, answer: await performInSql(database, people, step) });
              steps++;
            }
            return told;
          }));
          const stored = await storedInSql(database, people);
          if (!isExplained(ledger, told, stored)) {
            throw new Error(
              `No order explains ${told.map((actor) => actor.map(legible).join("\n")).join("\n\n")}
before: ${before.map(legible).join("\n")}\nstored: ${legible(stored)}`,
            );
          }
          await assertReconciled(database.sql);
          await sweepAll(database);
        },
      ),
      { numRuns: 60 * TIMES },
    );
    if (TIMES > 1) console.log(`${steps} concurrent steps`);
  }, { connections: 6 }));

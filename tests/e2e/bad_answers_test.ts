/** What no provider should send, through the running proxy, in every dialect. */
import { assert, assertEquals } from "@std/assert";
import type { DialectName } from "../../shared/llm/dialect.ts";
import { DIALECTS } from "../../shared/llm/dialects.ts";
import { ANSWERS } from "./replay_answers.ts";
import {
  asBytes,
  BAD_STREAMS,
  BAD_WHOLE_ANSWERS,
  type BadAnswer,
  type Cost,
  ERROR,
  goodStream,
  goodWhole,
} from "./replay_bad_answers.ts";
import { ask, latin1, withoutCost } from "./replay_client.ts";
import { type Charged, endsOf } from "./replay_ledger.ts";
import { MODEL } from "./replay_prices.ts";
import { startReplayStack } from "./replay_stack.ts";

const stack = await startReplayStack(["openai", "anthropic", "google"]);
Deno.test.afterAll(() => stack.stop());

let lastId = 0;

/** Asks, and is answered with this. */
async function answered(dialect: DialectName, stream: boolean, answer: BadAnswer) {
  const id = ++lastId;
  const type = stream ? "text/event-stream" : "application/json";
  stack.answers.set(id, () =>
    new Response(asBytes(answer.body).slice(), {
      headers: { "content-type": type, ...answer.headers },
    }));
  const model = `${ANSWERS[dialect].provider}:${MODEL}`;
  const response = await ask(stack, stack.users[id % stack.users.length]!, {
    ...{ dialect, model, id, stream },
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { response, bytes, requestId: response.headers.get("x-request-id")! };
}

function checkArrived(
  { body, arrives = body }: BadAnswer,
  { response, bytes }: Awaited<ReturnType<typeof answered>>,
): void {
  if (arrives === null) {
    assertEquals([response.status, JSON.parse(latin1(bytes)).code], [502, "UPSTREAM_ERROR"]);
    return;
  }
  assertEquals(response.status, 200, latin1(bytes).slice(0, 300));
  assertEquals(response.headers.get("content-encoding"), null);
  const sent = latin1(asBytes(arrives));
  const got = withoutCost(bytes).text;
  assert(got.startsWith(sent), `${got.length} bytes of ${sent.length}: ${got.slice(0, 300)}`);
  // What follows is ours: an error or an end for what had none.
  const added = got.slice(sent.length);
  assert(added.length < 600 && !added.includes(ERROR.slice(0, 50)), added);
}

function checkCost(costs: Cost, charge: Charged | null): void {
  if (costs === "nothing") return assertEquals(charge, null);
  if (charge === null) throw new Error("It was free");
  const { input, output } = charge.tokens;
  const is = (wanted: [number, number]) =>
    charge.basis === "reported" && input === wanted[0] && output === wanted[1];
  // 26 tokens of o200k: nothing of an error's text, nothing for what cannot be read.
  const isEstimate = charge.basis === "estimated" && input > 0 && output >= 12 && output <= 50;
  const isRight = {
    "the report": is([11, 22]),
    "the other report": is([13, 26]),
    "an estimate": isEstimate,
    "the report or an estimate": isEstimate || charge.basis === "reported",
  };
  assert(isRight[costs], `${costs} was due, but it was ${Deno.inspect(charge)}`);
}

for (const dialect of DIALECTS.keys()) {
  for (const [stream, answers] of [[true, BAD_STREAMS], [false, BAD_WHOLE_ANSWERS]] as const) {
    const form = stream ? "stream" : "whole answer";
    Deno.test(`a bad ${form} of ${dialect} reaches the client as it is, is charged for what can be read in it and never for an error, and the next one is as good as ever`, async () => {
      const pid = await stack.functionsPid();
      const parts = ANSWERS[dialect];
      const wrong: string[] = [];
      const asked = new Map<string, [string, Cost]>();
      for (const [name, make] of Object.entries(answers)) {
        const bad = await make(parts);
        const next: BadAnswer = {
          body: stream ? goodStream(parts) : goodWhole(parts),
          costs: "the report",
        };
        for (const [what, answer] of [[name, bad], [`what follows ${name}`, next]] as const) {
          try {
            const arrived = await answered(dialect, stream, answer);
            asked.set(arrived.requestId, [what, answer.costs]);
            checkArrived(answer, arrived);
          } catch (error) {
            wrong.push(`${what}: ${(error as Error).message}`);
          }
        }
      }
      const ends = await endsOf(stack.sql);
      for (const [requestId, [what, costs]] of asked) {
        try {
          const end = ends.get(requestId)!;
          assertEquals(end.state, end.charge === null ? "released" : "settled");
          checkCost(costs, end.charge);
        } catch (error) {
          wrong.push(`${what}: ${(error as Error).message}`);
        }
      }
      assertEquals(wrong.join("\n"), "");
      assertEquals(await stack.functionsPid(), pid, "the functions died");
      await stack.spent();
    });
  }
}

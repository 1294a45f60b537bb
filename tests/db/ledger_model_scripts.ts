/** What the model and the ledger are both told: random scripts of their steps. */
import fc from "fast-check";
import { parseUsd } from "../../shared/pricing/money.ts";
import type { Enforcement, ModelStep } from "./ledger_model_state.ts";

/** How many users, requests and parts a script has. */
export interface ScriptSize {
  users: number;
  requests: number;
  min: number;
  max: number;
}

/**
 * Parts of scripts, one after the other: single steps, and whole lives of a request, any step of
 * which may be missing. A quarter of the single steps repeat an earlier one, to the letter; few keys
 * and amounts make others repeat all but one argument.
 */
export function modelScripts({ users, requests, min, max }: ScriptSize): fc.Arbitrary<ModelStep[]> {
  const step = modelSteps(users, requests);
  const earlier = fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, fc.nat(7));
  const single = fc.record({ step, earlier });
  const byKind = stepsByKind(users, requests);
  const life = fc.oneof(...LIVES.map((kinds) =>
    fc.record({
      request: fc.nat(requests - 1),
      steps: fc.tuple(...kinds.map((kind) => byKind[kind][1])),
      kept: fc.tuple(...kinds.map(() => fc.nat(9).map((n) => n > 0))),
    })
  ));
  const part = fc.oneof({ weight: 4, arbitrary: single }, { weight: 1, arbitrary: life });
  return fc.array(part, { minLength: min, maxLength: max, size: "max" }).map((parts) => {
    const script: ModelStep[] = [];
    for (const part of parts) {
      if ("step" in part) {
        const back = part.earlier;
        script.push(back === null ? part.step : script[script.length - 1 - back] ?? part.step);
      } else {
        const { request, steps, kept } = part;
        script.push(
          ...steps.filter((_, i) => kept[i])
            .map((step) => "request" in step ? { ...step, request } : step),
        );
      }
    }
    return script;
  });
}

const LIVES: readonly ModelStep["kind"][][] = [
  // A worker dies in the middle, is swept, comes back late; what it was charged is refunded.
  ["reserve", "extend", "worker dies", "expire", "refund", "settle"],
  ["reserve", "extend", "settle", "refund", "refund"],
  // What was free when it was reserved is taken before it asks for more.
  ["reserve", "credit", "extend", "extend", "settle"],
  ["reserve", "release", "settle"],
  ["reserve", "worker dies", "expire", "release", "settle"],
];

function modelSteps(users: number, requests: number): fc.Arbitrary<ModelStep> {
  return fc.oneof(
    ...Object.values(stepsByKind(users, requests))
      .map(([weight, arbitrary]) => ({ weight, arbitrary })),
  );
}

/** Every kind of step, and how often it comes. */
function stepsByKind(
  users: number,
  requests: number,
): Record<ModelStep["kind"], [number, fc.Arbitrary<ModelStep>]> {
  const request = fc.nat(requests - 1);
  const input = fc.constantFrom(0, 100, 100, 100, 1500);
  const output = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(0, 700, 1024, 2500) },
    fc.nat(4000),
  );
  /** Mostly false. */
  const rarely = fc.nat(9).map((n) => n === 9);
  const key = fc.constantFrom("k1", "k2", "k3");
  return {
    reserve: [
      5,
      fc.record({
        kind: fc.constant("reserve" as const),
        isStrangers: rarely,
        isOther: rarely,
        request,
        input: fc.constantFrom(100, 100, 100, 1000),
        output: fc.constantFrom(1, 500, 3000, 3000),
        canExtend: fc.constantFrom(true, true, false),
        enforcement: fc.constantFrom<Enforcement[]>(
          "enforce",
          "enforce",
          "enforce",
          "observe",
          "off",
        ),
        key: fc.constantFrom(null, null, "i1", "i2"),
        hash: fc.constantFrom("h1", "h1", "h1", "h1", "h2"),
      }).map(({ isStrangers, isOther, ...step }) => ({
        ...step,
        // A request is mostly somebody's own, and asked for in one way.
        user: (step.request + (isStrangers ? 1 : 0)) % users,
        withFallback: (step.request % 3 === 0) !== isOther,
      })),
    ],
    extend: [
      3,
      fc.record({
        kind: fc.constant("extend" as const),
        request,
        total: fc.oneof(output, fc.constantFrom(2500, 4000)),
        input,
        output,
      }),
    ],
    settle: [
      4,
      fc.record({
        kind: fc.constant("settle" as const),
        request,
        input,
        output,
        basis: fc.constantFrom("reported", "reported", "estimated"),
        byFallback: fc.constantFrom(false, false, true),
      }),
    ],
    release: [1, fc.record({ kind: fc.constant("release" as const), request })],
    "worker dies": [2, fc.record({ kind: fc.constant("worker dies" as const), request })],
    expire: [2, fc.constant({ kind: "expire" as const })],
    refund: [
      2,
      fc.record({
        kind: fc.constant("refund" as const),
        request,
        amount: fc.constantFrom(null, parseUsd("0.0001"), parseUsd("0.004"), 0n),
        key,
      }),
    ],
    credit: [
      2,
      fc.record({
        kind: fc.constant("credit" as const),
        isStrangers: rarely,
        isOther: rarely,
        amount: fc.constantFrom("0.01", "0.0000000001", "-0.005", "-0.02", "0").map(parseUsd),
        key,
      }).map(({ isStrangers, isOther, ...step }) => ({
        ...step,
        // A key is mostly one user's, and repeated with another amount at most.
        user: (Number(step.key.slice(1)) + (isStrangers ? 1 : 0)) % users,
        adjusts: !isOther,
      })),
    ],
    reprice: [
      1,
      fc.record({
        kind: fc.constant("reprice" as const),
        output: fc.constantFrom("0.01", "0.02", "0.0000001", "0").map(parseUsd),
      }),
    ],
  };
}

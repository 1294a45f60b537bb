/** How much later the first token comes than from the provider itself. */
import { type BenchProcess, startProcess } from "../process.ts";
import type { LoadOrder, LoadResult } from "../relay/load.ts";
import type { UpstreamOrder } from "../relay/upstream.ts";
import { type Figure, figure, type Mark, type Plot, type Section } from "../section.ts";
import { chatProxyEnvironment, startBenchStack } from "../stack.ts";
import type { DataApiOrder } from "./data_api.ts";
import { quantile } from "./quantile.ts";
import { createSigner, type Signer } from "./tokens.ts";

interface Options {
  readonly quick: boolean;
  readonly progress: (text: string) => void;
}

const LEDGER_MS = [1, 10, 50];
/** Of the provider: a slow one, and one that answers at once. */
const UPSTREAM_MS = [60, 0];
/** Few: what is measured is no queue. */
const CONCURRENCY = 2;
/** Between two requests of a connection: the charge of the last one is not to be met. */
const PAUSE_MS = 20;
const MARK = { ledgerMs: 10, upstreamMs: 60, limitMs: 1 };

/** Where a request goes: past the server, through a bare one, or through Farebox as somebody. */
type Way = "direct" | "bare" | "unknown" | "known";

interface Course {
  readonly name: string;
  readonly way: Way;
  readonly ledgerMs: number;
}

const COURSES: readonly Course[] = [
  { name: "direct", way: "direct", ledgerMs: 0 },
  { name: "bare", way: "bare", ledgerMs: 0 },
  ...LEDGER_MS.flatMap((ledgerMs): Course[] => [
    { name: `account unknown, ledger ${ledgerMs} ms`, way: "unknown", ledgerMs },
    { name: `account known, ledger ${ledgerMs} ms`, way: "known", ledgerMs },
  ]),
];

interface Setting {
  readonly load: BenchProcess<unknown>;
  readonly upstream: BenchProcess<{ port: number }>;
  readonly dataApi: BenchProcess<{ port: number }>;
  readonly bare: BenchProcess<{ port: number }>;
  readonly farebox: BenchProcess<{ port: number }>;
  readonly signer: Signer;
  /** Of somebody whom the real ledger knows too. */
  readonly knownToken: string;
}

/** Runs the part; the processes that it starts are gone after it. */
export async function runFirstToken({ quick, progress }: Options): Promise<Section> {
  progress("first-token: starting a stack");
  await using stop = new AsyncDisposableStack();
  const { stack, user } = stop.adopt(await startBenchStack(), ({ stack }) => stack.stop());
  const start = async <Ready>(...args: Parameters<typeof startProcess>) =>
    stop.adopt(await startProcess<Ready>(...args), (process) => process.stop());

  const upstream = await start<{ port: number }>("bench/relay/upstream.ts");
  const dataApi = await start<{ port: number }>("bench/first_token/data_api.ts", {
    args: [`--to=${stack.url}`],
  });
  const signer = await createSigner();
  const upstreamUrl = `http://127.0.0.1:${upstream.ready.port}`;
  const server = "bench/relay/server.ts";
  const setting: Setting = {
    load: await start("bench/relay/load.ts"),
    upstream,
    dataApi,
    bare: await start(server, { args: ["--variant=untouched", `--upstream=${upstreamUrl}`] }),
    farebox: await start(server, {
      args: ["--variant=whole", `--upstream=${upstreamUrl}`],
      env: chatProxyEnvironment(
        { ...stack.details, url: `http://127.0.0.1:${dataApi.ready.port}` },
        upstreamUrl,
        signer.jwks,
      ),
    }),
    signer,
    knownToken: await signer.sign(user.id),
  };

  // Each function's answer is recorded, code is compiled, prices and settings are read.
  progress("first-token: warming up");
  await runCourse({ name: "", way: "known", ledgerMs: 0 }, 0, 1, setting);
  for (const course of COURSES) await runCourse(course, 0, quick ? 20 : 40, setting);

  const figures: Figure[] = [];
  const marks: Mark[] = [];
  const plotted: { upstreamMs: number; way: Way; ledgerMs: number; p50: number }[] = [];
  const rounds = quick ? 1 : 6;
  for (const upstreamMs of UPSTREAM_MS) {
    const times = new Map<Course, (readonly number[])[]>(COURSES.map((course) => [course, []]));
    for (let round = 1; round <= rounds; round++) {
      progress(`first-token: provider ${upstreamMs} ms, round ${round} of ${rounds}`);
      for (const course of COURSES.toSorted(() => Math.random() - 0.5)) {
        const count = quick ? 16 : 40;
        times.get(course)!.push(await runCourse(course, upstreamMs, count, setting));
      }
    }
    for (const course of COURSES) {
      if (course.way === "direct") continue;
      const own = times.get(course)!;
      const added = (base: Course, q: number) =>
        own.map((round, index) => quantile(round, q) - quantile(times.get(base)![index]!, q));
      const name = `provider ${upstreamMs} ms, ${course.name}`;
      const [direct, bare] = [COURSES[0]!, COURSES[1]!];
      if (course.way === "bare") {
        figures.push(figure(`${name}, to direct: p50`, "ms", added(direct, 0.5)));
        continue;
      }
      const pooled = (course: Course) => quantile(times.get(course)!.flat(), 0.99);
      const p50 = figure(`${name}, to bare: p50`, "ms", added(bare, 0.5));
      figures.push(
        p50,
        figure(`${name}, to bare: p99`, "ms", [pooled(course) - pooled(bare)]),
        figure(`${name}, to direct: p50`, "ms", added(direct, 0.5)),
        figure(`${name}, to direct: p99`, "ms", [pooled(course) - pooled(direct)]),
      );
      plotted.push({ upstreamMs, ...course, p50: p50.median });
      const isMarked = course.way === "known" && course.ledgerMs === MARK.ledgerMs &&
        upstreamMs === MARK.upstreamMs;
      if (isMarked) {
        marks.push({
          name: `first token later than through a bare server, ${name}: p50`,
          unit: "ms",
          value: p50.median,
          is: "at_most",
          limit: MARK.limitMs,
        });
      }
    }
  }
  return {
    name: "first-token",
    title: "Time to the first token, and what is added to it",
    figures,
    marks,
    plots: [plotOf(plotted)],
  };
}

/** Milliseconds from a request to its first event, a request each. */
async function runCourse(
  { way, ledgerMs }: Course,
  upstreamMs: number,
  requests: number,
  setting: Setting,
): Promise<readonly number[]> {
  const { load, upstream, dataApi, bare, farebox, signer, knownToken } = setting;
  await upstream.ask<unknown>(
    { events: 20, pace: "blast", firstMs: upstreamMs } satisfies UpstreamOrder,
  );
  await dataApi.ask<unknown>({ delayMs: ledgerMs } satisfies DataApiOrder);
  const isFarebox = way === "known" || way === "unknown";
  const base = {
    port: (way === "direct" ? upstream : way === "bare" ? bare : farebox).ready.port,
    path: isFarebox ? "/chat-proxy/v1/chat/completions" : "/v1/chat/completions",
    headers: {},
    acksPort: null,
    concurrency: CONCURRENCY,
    openAfterEvents: null,
    pauseMs: PAUSE_MS,
  };
  const order: LoadOrder = {
    ...base,
    streams: requests,
    tokens: way === "known" ? [knownToken] : way === "unknown"
      ? await Promise.all(
        Array.from({ length: requests }, () => signer.sign(crypto.randomUUID())),
      )
      : [],
  };
  // Connections are open, and who is to be known is.
  await load.ask({
    ...order,
    streams: CONCURRENCY,
    ...(way === "unknown" && { tokens: [await signer.sign(crypto.randomUUID())] }),
  });
  return (await load.ask<LoadResult>(order)).firstEventMs;
}

function plotOf(
  points: readonly { upstreamMs: number; way: Way; ledgerMs: number; p50: number }[],
): Plot {
  const line = (way: Way, upstreamMs: number) => ({
    name: `account ${way}, provider ${upstreamMs} ms`,
    points: points
      .filter((point) => point.way === way && point.upstreamMs === upstreamMs)
      .map(({ ledgerMs, p50 }) => ({ x: `${ledgerMs} ms`, y: p50 })),
  });
  return {
    name: "first-token",
    title: "First token: median time added to that of a bare server",
    x: { title: "time that the ledger takes to answer", scale: "category" },
    y: { title: "added time (ms)", scale: "linear" },
    series: UPSTREAM_MS.flatMap((upstreamMs) => [
      line("unknown", upstreamMs),
      line("known", upstreamMs),
    ]),
  };
}

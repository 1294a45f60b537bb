/** Reads one answer as it comes. */
import { NetworkError } from "../../client/errors.ts";
import type { ChatCost, ChatEvent, ChatStream } from "../../client/types.ts";

/** What has come so far. */
export interface Progress {
  readonly text: string;
  readonly reasoning: string;
  readonly model: string | null;
  readonly requestId: string | null;
  readonly cost: ChatCost | null;
}

export type Ending =
  /** `cutBy`: a problem's code where it is not whole. */
  | { readonly kind: "complete" | "stopped"; readonly cutBy: string | null }
  | { readonly kind: "broken"; readonly error: unknown };

/** Offline a connection hangs where it could break: as long as nothing comes is waited. */
const OFFLINE_SILENCE_MS = 1_000;
/** A hidden page has no frames. */
const FRAME_MS_MAX = 250;

/**
 * Reads to the end. `show` hears at most once a frame what came, and once more at the end; it must
 * not throw.
 */
export async function readAnswer(
  open: (signal: AbortSignal) => ChatStream,
  show: (progress: Progress) => void,
): Promise<Ending> {
  const connection = watchConnection();
  let progress: Progress = { text: "", reasoning: "", model: null, requestId: null, cost: null };
  const frames = oncePerFrame(() => show(progress));
  let limitedBy: LimitedBy = null;
  let finish: string | null = null;
  let error: unknown = null;
  try {
    for await (const event of open(connection.signal)) {
      connection.alive();
      if (event.type === "start") limitedBy = event.outputLimitedBy;
      if (event.type === "end") finish = event.finishReason;
      progress = withEvent(progress, event);
      frames.schedule();
    }
  } catch (cause) {
    error = connection.signal.aborted ? connection.signal.reason : cause;
  } finally {
    connection.end();
  }
  frames.flush();
  if (error !== null) return { kind: "broken", error };
  if (finish === "stopped") return { kind: "stopped", cutBy: null };
  return { kind: "complete", cutBy: cutBy(finish, limitedBy, progress.cost) };
}

type LimitedBy = Extract<ChatEvent, { type: "start" }>["outputLimitedBy"];

function withEvent(progress: Progress, event: ChatEvent): Progress {
  switch (event.type) {
    case "start":
      return { ...progress, model: event.model, requestId: event.requestId || null };
    case "text":
      return { ...progress, text: progress.text + event.text };
    case "reasoning":
      return { ...progress, reasoning: progress.reasoning + event.text };
    case "cost":
      return { ...progress, cost: event.cost };
    // The page offers no tools.
    case "tool_call":
    case "end":
      return progress;
  }
}

/** Why a whole answer is not all that there was to say. */
function cutBy(finish: string | null, limitedBy: LimitedBy, cost: ChatCost | null): string | null {
  if (cost?.code) return cost.code;
  if (finish === "content_filter") return "CONTENT_FILTER";
  if (finish !== "length") return null;
  switch (limitedBy) {
    case "balance":
      return "INSUFFICIENT_BALANCE";
    case "guest":
      return "GUEST_OUTPUT_LIMIT";
    case "spend_limit":
      return "SPEND_LIMIT_REACHED";
    case null:
      return "OUTPUT_LIMIT_REACHED";
  }
}

/** Aborts, with a `NetworkError`, where the machine is offline and nothing has come for a while. */
function watchConnection() {
  const abort = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  function alive(): void {
    clearTimeout(timer);
    if (navigator.onLine) return;
    timer = setTimeout(() => {
      const facts = { code: "NETWORK_ERROR", status: null };
      if (!navigator.onLine) abort.abort(new NetworkError("The machine went offline.", facts));
    }, OFFLINE_SILENCE_MS);
  }
  addEventListener("offline", alive);
  return {
    signal: abort.signal,
    alive,
    end(): void {
      clearTimeout(timer);
      removeEventListener("offline", alive);
    },
  };
}

function oncePerFrame(work: () => void) {
  let isDue = false;
  let frame = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  function flush(): void {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    if (!isDue) return;
    isDue = false;
    work();
  }
  return {
    flush,
    schedule(): void {
      if (isDue) return;
      isDue = true;
      frame = requestAnimationFrame(flush);
      timer = setTimeout(flush, FRAME_MS_MAX);
    },
  };
}

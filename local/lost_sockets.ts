/** What the driver of PostgreSQL does when a server is killed under it. */

const LOST = [
  "EPIPE",
  "ECONNRESET",
  "ERR_STREAM_DESTROYED",
  "ERR_STREAM_WRITE_AFTER_END",
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
];

/**
 * The driver writes from a timer, also to a socket that has gone meanwhile, or that the server has
 * ended, and that error belongs to no query: a PostgreSQL that is killed would take this process with
 * it.
 */
export function surviveLostSockets(): () => void {
  const survive = (event: Event, error: unknown) => {
    if (!isOfLostSocket(error)) return;
    event.preventDefault();
    console.error(`database: a connection was lost while it was in use`);
  };
  const onError = (event: ErrorEvent) => survive(event, event.error);
  const onRejection = (event: PromiseRejectionEvent) => survive(event, event.reason);
  addEventListener("error", onError);
  addEventListener("unhandledrejection", onRejection);
  return () => {
    removeEventListener("error", onError);
    removeEventListener("unhandledrejection", onRejection);
  };
}

/** The driver's write to a socket that is not there, or to which nothing can be written any more. */
function isOfLostSocket(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // What it asks on its own of a new connection, and what becomes of that, nobody waits for.
  if ("query" in error && /\bb\.typarray\b/.test(String(error.query))) return true;
  return /\/postgres\/.*connection\.js/.test(error.stack ?? "") &&
    (error instanceof TypeError || "code" in error && LOST.includes(String(error.code)) ||
      /ended by the other party/.test(error.message));
}

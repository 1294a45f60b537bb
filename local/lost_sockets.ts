/** What the driver of PostgreSQL does when a server is killed under it. */

/**
 * The driver writes from a timer, also to a socket that has gone meanwhile, and that error belongs to
 * no query: a PostgreSQL that is killed would take this process with it.
 */
export function surviveLostSockets(): () => void {
  const onError = (event: ErrorEvent) => {
    const { error } = event;
    if (!(error instanceof TypeError) || !/\/postgres\/.*connection\.js/.test(error.stack ?? "")) {
      return;
    }
    event.preventDefault();
    console.error(`database: a connection was lost while it was being written to`);
  };
  addEventListener("error", onError);
  return () => removeEventListener("error", onError);
}

/**
 * Where free ports are looked for: below the ranges from which operating systems take the ports of
 * outgoing connections (from 32768, or from 49152), so that none of those takes a port between our
 * finding it and our listening on it, which for a database may be seconds.
 */
const PORT_MIN = 20_000;
const PORT_MAX = 32_767;
const TRIES_MAX = 100;

/** A TCP port of 127.0.0.1 that nothing listens on at this moment: `preferred` if it is free. */
export function freePort(preferred = 0): number {
  if (preferred !== 0 && isFree(preferred)) return preferred;
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN + 1));
    if (isFree(port)) return port;
  }
  throw new Error("Cannot find a free port on 127.0.0.1.");
}

/**
 * What `listen` makes on the first port that it gets: another process may take a port between our
 * finding it and our listening on it.
 * @param preferred tried first, if it is free.
 * @throws what `listen` throws, but AddrInUse only when that happens again and again.
 */
export function listenOnFreePort<T>(listen: (port: number) => T, preferred = 0): T {
  for (let tries = 1;; tries++) {
    try {
      return listen(freePort(preferred));
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse) || tries === TRIES_MAX) throw error;
    }
  }
}

/** Whether 127.0.0.1:`port` could be listened on. */
export function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse || error instanceof Deno.errors.PermissionDenied) {
      return false;
    }
    throw error;
  }
}

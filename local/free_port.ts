/** A TCP port of 127.0.0.1 that nothing listens on at this moment: `preferred` if it is free. */
export function freePort(preferred = 0): number {
  for (const port of [preferred, 0]) {
    if (!isFree(port) && port !== 0) continue;
    const listener = Deno.listen({ hostname: "127.0.0.1", port });
    const found = listener.addr.port;
    listener.close();
    return found;
  }
  throw new Error("Cannot find a free port on 127.0.0.1.");
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

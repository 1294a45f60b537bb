/** The line between a browser and the stack, which can be cut: a browser told to be offline keeps its open streams. */
import type { TestStack } from "../../support/stack.ts";

export interface Line {
  /** The stack as it is reached over this line. */
  readonly stack: TestStack;
  /** Breaks every connection that is open. New ones are let through. */
  cut(): void;
  close(): void;
}

/** Forwards bytes, both ways, between a port of its own and the stack's. */
export function lineTo(stack: TestStack): Line {
  const target = new URL(stack.url);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
  const open = new Set<Deno.Conn>();
  const forward = async (here: Deno.Conn) => {
    const there = await Deno.connect({ hostname: target.hostname, port: Number(target.port) });
    const ends = [here, there];
    for (const end of ends) open.add(end);
    await Promise.allSettled([
      here.readable.pipeTo(there.writable),
      there.readable.pipeTo(here.writable),
    ]);
    for (const end of ends) {
      open.delete(end);
      closed(end);
    }
  };
  void (async () => {
    for await (const connection of listener) void forward(connection);
  })().catch(() => {});
  const cut = () => {
    for (const end of open) closed(end);
    open.clear();
  };
  return {
    stack: { ...stack, url },
    cut,
    close() {
      listener.close();
      cut();
    },
  };
}

function closed(end: Deno.Conn): void {
  try {
    end.close();
  } catch {
    // The other side was first.
  }
}

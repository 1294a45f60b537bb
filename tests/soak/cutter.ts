/**
 * A TCP relay in front of a server, which can break a connection in the middle of what it carries: a
 * body ends without its last chunk, and TLS without its goodbye.
 */
import { connect, createServer, type Socket } from "node:net";

export interface Cutter {
  readonly port: number;
  /**
   * Breaks the connection after so many more bytes of the server's.
   * @param localPort the server's name for the connection: the port that it comes from.
   * @param how `reset` sends an RST, which may overtake what was sent before; `end` a FIN.
   */
  cut(localPort: number, afterBytes: number, how: "reset" | "end"): void;
  close(): Promise<void>;
}

/** Starts the relay to a server on 127.0.0.1. */
export async function startCutter(serverPort: number): Promise<Cutter> {
  const orders = new Map<number, { left: number; how: "reset" | "end" }>();
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(serverPort, "127.0.0.1");
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        open.delete(socket);
        (socket === client ? upstream : client).destroy();
      });
    }
    client.pipe(upstream);
    upstream.on("data", (bytes: Uint8Array) => {
      const order = orders.get(upstream.localPort ?? 0);
      if (order === undefined || bytes.length <= order.left) {
        if (order !== undefined) order.left -= bytes.length;
        if (!client.write(bytes)) {
          upstream.pause();
          client.once("drain", () => upstream.resume());
        }
        return;
      }
      orders.delete(upstream.localPort ?? 0);
      if (order.how === "reset") client.resetAndDestroy();
      else client.end(bytes.subarray(0, order.left), () => client.destroy());
      upstream.destroy();
    });
    upstream.on("end", () => client.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The cutter has no port");
  return {
    port: address.port,
    cut: (localPort, left, how) => void orders.set(localPort, { left, how }),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

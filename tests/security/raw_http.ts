/** HTTP as no client library would write it: byte for byte, over a socket. */

/** Sends the bytes and reads until the other side closes: say `connection: close`. */
export async function sendRaw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = await Deno.connect({ hostname, port: Number(port) });
  try {
    await socket.write(new TextEncoder().encode(text));
    const decoder = new TextDecoder();
    let answer = "";
    const buffer = new Uint8Array(65_536);
    while (true) {
      const read = await socket.read(buffer);
      if (read === null) return answer;
      answer += decoder.decode(buffer.subarray(0, read), { stream: true });
    }
  } catch {
    return ""; // Reset: it was not liked at all.
  } finally {
    socket.close();
  }
}

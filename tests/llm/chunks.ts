/** Ways to cut a stream into the chunks that a network might have made of it. */

const encoder = new TextEncoder();

export function encode(text: string): Uint8Array {
  return encoder.encode(text);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Chunks of `size` bytes, the last one shorter. */
export function chunksOf(bytes: Uint8Array, size: number): Uint8Array[] {
  return cutAt(bytes, Array.from({ length: Math.floor(bytes.length / size) }, (_, i) => i * size));
}

/** Chunks cut at the given offsets, which may be out of order, repeated or past the end. */
export function cutAt(bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const ends = [
    ...offsets.filter((at) => at < bytes.length).toSorted((a, b) => a - b),
    bytes.length,
  ];
  let start = 0;
  return ends.map((end) => {
    const chunk = bytes.slice(start, end);
    start = end;
    return chunk;
  });
}

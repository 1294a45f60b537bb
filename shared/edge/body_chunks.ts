/** A request's body as it comes, in bounded time: one that trickles must not be waited for for ever. */

/** A phone in a tunnel is silent for this long, in milliseconds; a client that lives is not. */
const SILENCE_MS_MAX = 15_000;
/** Ten megabytes at 85 kB a second. Until then what has come is held in memory. */
const BODY_MS_MAX = 120_000;

export type BodyTimes = { silenceMsMax: number; bodyMsMax: number };
export const BODY_TIMES: BodyTimes = { silenceMsMax: SILENCE_MS_MAX, bodyMsMax: BODY_MS_MAX };

/** The body did not come in time. */
export class BodyTimeoutError extends Error {
  override name = "BodyTimeoutError";
}

/**
 * Yields the chunks. Leaving the loop, or its end by an error, cancels the rest.
 *
 * @throws {BodyTimeoutError} after `silenceMsMax` without a byte, or `bodyMsMax` in all. Whatever
 * else is thrown is the client's breaking off.
 */
export async function* bodyChunks(
  body: ReadableStream<Uint8Array>,
  { silenceMsMax, bodyMsMax }: BodyTimes,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const late = Promise.withResolvers<never>();
  const giveUp = () => late.reject(new BodyTimeoutError("The body did not come in time"));
  // Nobody may be waiting when it is rejected.
  late.promise.catch(() => {});
  const whole = setTimeout(giveUp, bodyMsMax);
  let silence = setTimeout(giveUp, silenceMsMax);
  try {
    while (true) {
      const { done, value } = await Promise.race([reader.read(), late.promise]);
      if (done) return;
      // An empty chunk is no byte.
      if (value.length === 0) continue;
      clearTimeout(silence);
      yield value;
      silence = setTimeout(giveUp, silenceMsMax);
    }
  } finally {
    clearTimeout(whole);
    clearTimeout(silence);
    void reader.cancel().catch(() => {});
  }
}

/** Loads of which only the latest counts: an older answer never overwrites a newer one's. */
export class LatestLoad {
  #turn = 0;

  /** Begins; of loads begun before, nothing is heard any more. */
  async start<T>(
    load: () => Promise<T>,
    show: { readonly loaded: (value: T) => void; readonly failed: (cause: unknown) => void },
  ): Promise<void> {
    const turn = ++this.#turn;
    try {
      const value = await load();
      if (turn === this.#turn) show.loaded(value);
    } catch (cause) {
      if (turn === this.#turn) show.failed(cause);
    }
  }

  /** Of loads begun before, nothing is heard any more. */
  forget(): void {
    this.#turn++;
  }
}

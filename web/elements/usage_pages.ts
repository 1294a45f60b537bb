/** A list that comes in pages, newest first: shown as far as it is loaded, and kept up to date. */
import { LatestLoad } from "./latest_load.ts";

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Null on the last page. */
  readonly next: string | null;
}

/** @param before `next` of the page before; null for the first page. */
export type LoadPage<Item> = (before: string | null) => Promise<Page<Item>>;

export interface PagesView<Item> {
  /** Of `more`, what is shown stays. */
  loading(what: "first" | "more"): void;
  /** @param added of `more`: from which item on they are new; null where no more was asked for. */
  loaded(items: readonly Item[], hasMore: boolean, added: number | null): void;
  failed(what: "first" | "more", cause: unknown): void;
}

export class PagedList<Item> {
  readonly #latest = new LatestLoad();
  readonly #view: PagesView<Item>;
  readonly #keyOf: (item: Item) => string;
  #load: LoadPage<Item> | null = null;
  #items: readonly Item[] = [];
  #next: string | null = null;
  /** Something is under way that somebody waits for. */
  #isBusy = false;
  #isRefreshDue = false;
  #isLoaded = false;

  constructor(keyOf: (item: Item) => string, view: PagesView<Item>) {
    this.#keyOf = keyOf;
    this.#view = view;
  }

  /** Begins another list: nothing of the one before is shown any more. */
  start(load: LoadPage<Item>): void {
    this.#load = load;
    this.#items = [];
    this.#next = null;
    this.#isLoaded = false;
    this.#run("first", load, null, (page) => {
      this.#items = page.items;
      this.#next = page.next;
      return null;
    });
  }

  /** Begins anew what failed. */
  retry(): void {
    if (this.#load !== null) this.start(this.#load);
  }

  more(): void {
    if (this.#load === null || this.#next === null || this.#isBusy) return;
    this.#run("more", this.#load, this.#next, (page) => {
      const known = new Set(this.#items.map(this.#keyOf));
      const added = this.#items.length;
      this.#items = [...this.#items, ...page.items.filter((item) => !known.has(this.#keyOf(item)))];
      this.#next = page.next;
      return added;
    });
  }

  /** Looks for what is new. What was loaded stays: rows of the ledger never change. */
  refresh(): void {
    const load = this.#load;
    if (load === null) return;
    if (this.#isBusy) {
      this.#isRefreshDue = true;
      return;
    }
    void this.#latest.start(() => load(null), {
      loaded: (page) => {
        this.#merge(page);
        this.#isLoaded = true;
        this.#view.loaded(this.#items, this.#next !== null, null);
      },
      // What is shown is still true; the next cost asks again.
      failed: (cause) => this.#isLoaded || this.#view.failed("first", cause),
    });
  }

  /** Of what is under way nothing is heard any more. */
  forget(): void {
    this.#latest.forget();
    this.#isBusy = false;
    this.#isRefreshDue = false;
  }

  #run(
    what: "first" | "more",
    load: LoadPage<Item>,
    before: string | null,
    take: (page: Page<Item>) => number | null,
  ): void {
    this.#isBusy = true;
    this.#view.loading(what);
    const end = () => {
      this.#isBusy = false;
      if (!this.#isRefreshDue) return;
      this.#isRefreshDue = false;
      this.refresh();
    };
    void this.#latest.start(() => load(before), {
      loaded: (page) => {
        const added = take(page);
        this.#isLoaded = true;
        this.#view.loaded(this.#items, this.#next !== null, added);
        end();
      },
      failed: (cause) => {
        this.#view.failed(what, cause);
        end();
      },
    });
  }

  /** The first page anew, and below it what was loaded before, if they meet. */
  #merge({ items, next }: Page<Item>): void {
    const last = items.at(-1);
    const lastKey = last === undefined ? null : this.#keyOf(last);
    const met = this.#items.findIndex((item) => this.#keyOf(item) === lastKey);
    if (next === null || met < 0) {
      this.#items = items;
      this.#next = next;
    } else {
      this.#items = [...items, ...this.#items.slice(met + 1)];
      if (met === this.#items.length - 1) this.#next = next;
    }
  }
}

/** A list in pages, as a table: with its bones, its empty state, its failure and "Show more". */
import { make, makeButton } from "./dom.ts";
import { codeOf } from "./failure_code.ts";
import { formatCount } from "./money_text.ts";
import { HIDDEN_CLASS } from "./styles.ts";
import { type LoadPage, PagedList } from "./usage_pages.ts";
import { failureText } from "./usage_words.ts";

export interface ListOrder<Item> {
  /** As in "No more requests": plural. */
  readonly things: string;
  readonly caption: string;
  readonly columns: readonly { readonly name: string; readonly class: string }[];
  readonly keyOf: (item: Item) => string;
  readonly rowOf: (item: Item) => HTMLTableRowElement;
  readonly emptyText: () => string;
  /** Somebody who has no account asked. */
  readonly refused: () => void;
}

const BONES = 4;

export class ListTable<Item> {
  readonly element = make("div", { class: "list" });
  readonly #order: ListOrder<Item>;
  readonly #pages: PagedList<Item>;
  readonly #rows = make("tbody", { role: "rowgroup" });
  readonly #byKey = new Map<string, HTMLTableRowElement>();
  readonly #table: HTMLTableElement;
  readonly #bones = make("div", { class: "bones", "aria-busy": "true" });
  readonly #empty = make("p", { class: "muted empty", hidden: true });
  readonly #problem = make("div", { class: "failure", hidden: true });
  readonly #more: HTMLButtonElement;
  readonly #status = make("span", { class: HIDDEN_CLASS, role: "status" });

  constructor(order: ListOrder<Item>) {
    this.#order = order;
    this.#pages = new PagedList(order.keyOf, {
      loading: (what) => this.#loading(what),
      loaded: (items, hasMore, added) => this.#loaded(items, hasMore, added),
      failed: (what, cause) => this.#failed(what, cause),
    });
    const head = order.columns.map((column) =>
      make("th", { scope: "col", role: "columnheader", class: column.class }, column.name)
    );
    // Roles are said, for a table that is laid out as cards is none to some browsers.
    this.#table = make(
      "table",
      { role: "table", part: "table", hidden: true },
      make("caption", { class: HIDDEN_CLASS }, order.caption),
      make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...head)),
      this.#rows,
    );
    for (let bone = 0; bone < BONES; bone++) this.#bones.append(make("span", { class: "bone" }));
    this.#bones.append(make("span", { class: HIDDEN_CLASS }, `Loading the ${order.things}`));
    this.#more = makeButton(
      "Show more",
      { class: "button more", part: "button more", hidden: true },
      () => this.#pages.more(),
    );
    this.element.append(
      this.#bones,
      this.#table,
      this.#empty,
      this.#problem,
      this.#more,
      this.#status,
    );
  }

  start(load: LoadPage<Item>): void {
    this.#pages.start(load);
  }

  refresh(): void {
    this.#pages.refresh();
  }

  /** Of what is under way nothing is heard any more, and what was loaded is gone. */
  forget(): void {
    this.#pages.forget();
    this.#loading("first");
  }

  #loading(what: "first" | "more"): void {
    this.#problem.hidden = true;
    if (what === "more") {
      // Not `disabled`: that would take the focus away.
      this.#more.setAttribute("aria-disabled", "true");
      this.#more.textContent = "Loading…";
      return;
    }
    this.#place([]);
    this.#bones.hidden = false;
    this.#table.hidden = true;
    this.#empty.hidden = true;
    this.#more.hidden = true;
  }

  #loaded(items: readonly Item[], hasMore: boolean, added: number | null): void {
    this.#bones.hidden = true;
    this.#problem.hidden = true;
    this.#table.hidden = items.length === 0;
    this.#empty.hidden = items.length > 0;
    this.#empty.textContent = this.#order.emptyText();
    this.#place(items);
    this.#moreAgain();
    if (added !== null) {
      const count = formatCount(items.length - added);
      this.#status.textContent = `${count} more ${this.#order.things}`;
      if (!hasMore && this.#hasFocus(this.#more)) {
        this.#rows.children[added]?.querySelector("button")?.focus();
      }
    }
    this.#more.hidden = !hasMore;
  }

  #failed(what: "first" | "more", cause: unknown): void {
    this.#bones.hidden = true;
    this.#moreAgain();
    if (codeOf(cause) === "FORBIDDEN") return this.#order.refused();
    const words = failureText(cause, `The ${this.#order.things}`);
    const retry = makeButton("Try again", { class: "button", part: "button retry" }, () => {
      if (what === "first") this.#pages.retry();
      else this.#pages.more();
    });
    this.#problem.replaceChildren(make("p", { role: "alert" }, words), retry);
    this.#problem.hidden = false;
    this.#more.hidden = true;
  }

  #moreAgain(): void {
    this.#more.removeAttribute("aria-disabled");
    this.#more.textContent = "Show more";
  }

  /** Rows that are there stay as they are, and keep the focus. */
  #place(items: readonly Item[]): void {
    const before = new Map(this.#byKey);
    this.#byKey.clear();
    let at = this.#rows.firstElementChild;
    for (const item of items) {
      const key = this.#order.keyOf(item);
      const row = before.get(key) ?? this.#order.rowOf(item);
      this.#byKey.set(key, row);
      if (row === at) at = at.nextElementSibling;
      else this.#rows.insertBefore(row, at);
    }
    while (at !== null) {
      const next = at.nextElementSibling;
      at.remove();
      at = next;
    }
  }

  #hasFocus(element: HTMLElement): boolean {
    const root = element.getRootNode();
    return root instanceof ShadowRoot && root.activeElement === element;
  }
}

/** A cell; `label` names it where the row is a card. */
export function cell(
  label: string,
  name: string,
  ...children: (Node | string | null)[]
): HTMLTableCellElement {
  return make("td", { role: "cell", class: name, "data-label": label }, ...children);
}

/** The button that saves the charges as a file, with its progress. */
import type { Farebox } from "../client/farebox.ts";
import { make, makeButton } from "./dom.ts";
import { formatCount } from "./money_text.ts";
import type { UsageFilter } from "./usage_filters.ts";
import { type DayRange, timesOf } from "./usage_range.ts";
import { failureText } from "./usage_words.ts";

/** What is shown at the moment of the press. */
export interface ExportScope {
  readonly farebox: Farebox;
  readonly range: DayRange;
  readonly filter: UsageFilter;
}

export class UsageExport {
  readonly element = make("div", { class: "export" });
  readonly #scope: () => ExportScope | null;
  readonly #button: HTMLButtonElement;
  readonly #cancel: HTMLButtonElement;
  readonly #bar = make("progress", { "aria-label": "Export" });
  readonly #words = make("span", { class: "muted" });
  readonly #running = make("div", { class: "running", hidden: true });
  readonly #status = make("p", { class: "export-status", role: "status" });
  #abort: AbortController | null = null;

  constructor(scope: () => ExportScope | null) {
    this.#scope = scope;
    this.#button = makeButton(
      "Export CSV",
      { class: "button", part: "button export" },
      () => void this.#run(),
    );
    this.#cancel = makeButton("Cancel", { class: "button", part: "button cancel" }, () => {
      this.cancel();
      this.#button.focus();
      this.#status.textContent = "Export cancelled.";
    });
    this.#running.append(this.#bar, this.#words, this.#cancel);
    this.element.append(this.#button, this.#running, this.#status);
  }

  cancel(): void {
    this.#abort?.abort();
    this.#abort = null;
    this.#show(false);
  }

  async #run(): Promise<void> {
    const scope = this.#scope();
    if (scope === null || this.#abort !== null) return;
    const abort = new AbortController();
    this.#abort = abort;
    this.#progress(0, null);
    this.#status.textContent = "";
    this.#show(true);
    this.#cancel.focus();
    try {
      const count = await this.#save(scope, abort.signal);
      if (abort.signal.aborted) return;
      this.#end();
      this.#status.textContent = `${formatCount(count)} rows exported.`;
    } catch (cause) {
      if (abort.signal.aborted) return;
      this.#end();
      this.#status.textContent = failureText(cause, "Not all requests") + " Export again.";
    }
  }

  /** @returns how many records are in the file. */
  async #save({ farebox, range, filter }: ExportScope, signal: AbortSignal): Promise<number> {
    const days = filter.day === null ? range : { from: filter.day, to: filter.day };
    const times = timesOf(days);
    const [{ collectRecords, csvOf }, summary] = await Promise.all([
      import("./usage_csv.ts"),
      farebox.usageSummary({ by: "model", ...times }),
    ]);
    signal.throwIfAborted();
    const sums = filter.model === null
      ? summary.total
      : summary.groups.find(({ key }) => key === filter.model);
    const all = sums?.requests ?? 0;
    this.#progress(0, all);
    const records = await collectRecords(farebox, {
      times,
      model: filter.model,
      signal,
      progress: (count) => this.#progress(count, all),
    });
    download(`farebox-usage-${days.from}--${days.to}.csv`, csvOf(records));
    return records.length;
  }

  #end(): void {
    this.#abort = null;
    const root = this.element.getRootNode();
    const hadFocus = root instanceof ShadowRoot && root.activeElement === this.#cancel;
    this.#show(false);
    if (hadFocus) this.#button.focus();
  }

  #show(isRunning: boolean): void {
    this.#button.hidden = isRunning;
    this.#running.hidden = !isRunning;
  }

  #progress(count: number, all: number | null): void {
    if (all === null) {
      this.#bar.removeAttribute("value");
      this.#words.textContent = "Counting…";
      return;
    }
    // Somebody may ask on meanwhile: never more than all.
    const whole = Math.max(all, count);
    this.#bar.max = Math.max(whole, 1);
    this.#bar.value = count;
    this.#words.textContent = `${formatCount(count)} of ${formatCount(whole)}`;
  }
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  make("a", { href: url, download: name }).click();
  // Not at once: some browsers read it only after the click.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

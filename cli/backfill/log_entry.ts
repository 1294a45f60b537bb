/** What a log is made of, whatever it was exported as. */
export interface LogEntry {
  /** What was printed; of an export, its message. */
  readonly text: string;
  /** When, as the export says it: ISO 8601, or a number since 1970. Null where it says nothing. */
  readonly time: string | number | null;
  /** The line of the file that it begins on; of CSV the row, its head being row 1. */
  readonly line: number;
}

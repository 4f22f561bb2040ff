/** Something that an application will miss. */
export interface Finding {
  /** `error`: it cannot start. `warning`: it will miss something. `note`: what cannot be seen. */
  readonly severity: "error" | "warning" | "note";
  /** A short name of what it is about. */
  readonly what: string;
  /** A sentence: what was found. */
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

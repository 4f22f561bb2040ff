/** Steps to take back when a later one fails: in reverse order, whatever each of them does. */
export class Undo {
  readonly #steps: (() => unknown)[] = [];

  push(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** Never throws: the error that made us undo is the one to keep. */
  async run(): Promise<void> {
    for (const step of this.#steps.reverse()) {
      try {
        await step();
      } catch {
        // See above; the next step must still be taken.
      }
    }
    this.#steps.length = 0;
  }
}

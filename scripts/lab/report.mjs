/** Counts checks as they end, a line each, and closes with the line that tests close with. */
export class Report {
  #passed = 0;
  #failed = 0;
  #skipped = 0;

  /** Runs one check; what it throws is why it failed. What it returns is added to its line. */
  async check(name, body) {
    const start = performance.now();
    try {
      const told = await body();
      this.#passed++;
      this.#line("ok", name, [told, seconds(start)]);
    } catch (error) {
      this.#failed++;
      this.#line("failed", name, [seconds(start)]);
      console.log(String(error.message ?? error).replace(/^/gmu, "    "));
    }
  }

  skip(why) {
    this.#skipped++;
    console.log(`skipped: ${why}`);
  }

  /** Prints the closing line, and sets the status of this process. */
  end() {
    console.log(`${this.#passed} passed, ${this.#failed} failed, ${this.#skipped} skipped`);
    process.exitCode = this.#failed > 0 ? 1 : 0;
  }

  #line(state, name, notes) {
    const told = notes.filter((note) => note !== undefined).join(", ");
    console.log(`${state}: ${name} (${told})`);
  }
}

function seconds(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}

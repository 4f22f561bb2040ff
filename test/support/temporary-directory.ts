import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach } from "vitest";

const made: string[] = [];
const lasting: string[] = [];

// A hook of the test file that imports this: it runs before the leak check (onTestFinished would not).
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

afterAll(() => {
  for (const path of lasting.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** A new directory that is removed when the test ends. */
export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "t-"));
  made.push(path);
  return path;
}

/** A new directory for all tests of a file, removed when the last has ended; for `beforeAll`. */
export function lastingDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "t-"));
  lasting.push(path);
  return path;
}

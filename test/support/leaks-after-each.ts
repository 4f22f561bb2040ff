import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach } from "vitest";
import { describeLeaks, footprint, leaks, type Footprint } from "./leaks.ts";

/**
 * A temporary directory for this worker alone: test files run beside each other, and none may
 * be accused of what another made. Short, because socket paths hold 107 bytes.
 */
const outer = tmpdir();
const root = mkdtempSync(join(outer, "wt-"));
// Programs that a test starts as another user need a place too; sticky, as /tmp is.
chmodSync(root, 0o1777);
process.env["TMPDIR"] = root;

let before: Footprint = new Map();

beforeEach(() => {
  before = footprint(root);
});

// Hooks of set-up files come first and end last: a test's own clean-up has run by now.
afterEach(async () => {
  await failOnLeaks(before, "The test left behind");
});

const atStart = footprint(root);

afterAll(async () => {
  try {
    await failOnLeaks(atStart, "The file of tests left behind");
  } finally {
    process.env["TMPDIR"] = outer;
    rmSync(root, { recursive: true, force: true });
  }
});

async function failOnLeaks(since: Footprint, words: string): Promise<void> {
  const left = await leaks(root, since);
  if (left.length === 0) return;
  for (const leak of left) leak.undo();
  throw new Error(`${words}:\n${describeLeaks(left)}`);
}

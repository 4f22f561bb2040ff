/** What `pack`, `unpack` and `kernel import` write: what a killed one leaves goes with the next command, what one reads stays. */
import { execFileSync } from "node:child_process";
import { copyFileSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { bootParts } from "../support/boot-parts.ts";
import { startWick, wick } from "../support/cli.ts";
import { ownCache } from "../support/own-cache.ts";
import { lastingDirectory } from "../support/temporary-directory.ts";

let work: string;
let env: { readonly WICK_CACHE: string };
let kernel: string;

const temporaries = (): string[] => readdirSync(work).filter((name) => name.endsWith(".tmp"));

beforeAll(async () => {
  work = lastingDirectory();
  env = { WICK_CACHE: ownCache(work) };
  ({ kernel } = await bootParts());
  const zeros = "truncate -s 192M zeros && echo zeros | cpio -o -H newc --quiet > big && rm zeros";
  execFileSync("sh", ["-ec", zeros], { cwd: work });
  const packed = await wick(["pack", "-q", kernel, "big", "-o", "app"], { cwd: work, env });
  expect(packed.status, packed.stderr).toBe(0);
});

/** Kills it once its temporary is there; again where it was faster than that. */
async function killed(...words: string[]): Promise<void> {
  for (let attempt = 0; attempt < 5 && temporaries().length === 0; attempt++) {
    const { child, done } = startWick(words, { cwd: work, env });
    const isOver = { value: false };
    void done.finally(() => (isOver.value = true));
    while (temporaries().length === 0 && !isOver.value) await sleep(1);
    child.kill("SIGKILL");
    await done;
  }
}

test.each([
  ["pack", ["pack", "-q", "KERNEL", "big", "-o", "killed"]],
  ["unpack", ["unpack", "-q", "app", "--initramfs", "killed"]],
  ["kernel import", ["kernel", "import", "-q", "KERNEL", "-o", "killed"]],
])("a temporary of a killed wick %s goes with the next command", async (_, words) => {
  await killed(...words.map((word) => (word === "KERNEL" ? kernel : word)));
  expect(temporaries()).toEqual([expect.stringMatching(/^\.killed\.wick-[0-9a-f]+\.tmp$/)]);
  const next = await wick(["kernel", "import", "-q", kernel, "-o", "next"], { cwd: work, env });
  expect(next.status, next.stderr).toBe(0);
  expect(readdirSync(work).toSorted()).toEqual(["app", "big", "cache", "next"]);
});

test.each([
  ["pack, over its initramfs", ["pack", "-q", "KERNEL", "big", "-o", "big"]],
  ["unpack, over the packed file", ["unpack", "-q", "app", "--kernel", "./app"]],
  ["kernel import, over the kernel", ["kernel", "import", "-q", "own", "-o", "own"]],
])("%s: what is read is not written over", async (_, words) => {
  if (words.includes("own")) copyFileSync(kernel, join(work, "own"));
  const written = join(work, words.at(-1)!);
  const before = readFileSync(written);
  const { status, stderr } = await wick(
    words.map((word) => (word === "KERNEL" ? kernel : word)),
    { cwd: work, env },
  );
  expect(status).toBe(1);
  expect(stderr).toContain(`Cannot write to ${written}: it is what is read [USAGE]`);
  expect(readFileSync(written).equals(before)).toBe(true);
  rmSync(join(work, "own"), { force: true });
});

/**
 * Every call of a build that touches the machine fails in its turn: once, and from then on. The
 * result is the right image or one clean error, the former file untouched and nothing beside it.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { setFaults, type Fault, type HostCall } from "../../src/host/index.ts";
import { build, isWickError } from "../../src/index.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const FORMER = "the former file";
const CODES = [
  "IO",
  "DISK_FULL",
  "PERMISSION",
  "SOURCE_FAILED",
  "SOURCE_NOT_FOUND",
  "TOOL_MISSING",
];

afterEach(() => setFaults([]));

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A tree whose image takes a number of writes: large and small files, a full directory, a link. */
function makeTree(directory: string, files: number): string {
  const tree = join(directory, "tree");
  mkdirSync(join(tree, "bin"), { recursive: true });
  writeFileSync(join(tree, "bin/app"), "#!/bin/sh\n", { mode: 0o755 });
  symlinkSync("app", join(tree, "bin/link"));
  for (let i = 0; i < 3; i++) writeFileSync(join(tree, `large-${i}`), Buffer.alloc(1 << 20, i + 1));
  for (let i = 0; i < files; i++) writeFileSync(join(tree, `file-${i}`), `${i}`);
  return tree;
}

/**
 * One build; undefined when it succeeds, else the error. There is no store: its failures do not
 * fail such a build, and are those of scripts/drills/ and of the store's own tests.
 */
async function attempt(source: string, output: string): Promise<unknown> {
  const context = {
    environment: { WICK_CACHE: "/proc/nowhere" },
    workingDirectory: "/",
    onEvent: () => undefined,
  };
  const options = { source, output, entrypoint: "/bin/app", size: "min", journal: false };
  try {
    await build(options, context);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Looks for a store where none can be, which a build does without. */
const HARMLESS = 3;

/** The n-th `call` fails, for n = 1, 2, …, until some builds in a row were not hit; returns how many were. */
async function failEach(
  source: string,
  wanted: string,
  fault: Omit<Fault, "nth" | "pathPrefix">,
): Promise<number> {
  const directory = temporaryDirectory();
  const output = join(directory, "x.ext4");
  let failures = 0;
  for (let nth = 1, inARow = 0; inARow < HARMLESS + 2; nth++) {
    writeFileSync(output, FORMER);
    setFaults([{ ...fault, pathPrefix: "/", nth }]);
    const error = await attempt(source, output);
    setFaults([]);
    const which = `${fault.call} ${nth}: ${String(error)}`;
    expect(readdirSync(directory), which).toEqual(["x.ext4"]);
    const found = readFileSync(output);
    if (error === undefined) {
      expect(sha256(found), which).toBe(wanted);
      inARow++;
      continue;
    }
    inARow = 0;
    failures++;
    if (!isWickError(error)) throw error;
    expect(CODES, which).toContain(error.code);
    // Whole or absent: only what fails after the rename (the directory's sync, a last look) leaves the new one.
    if (found.toString() !== FORMER) {
      expect(["fsync", "stat"], which).toContain(fault.call);
      expect(sha256(found), which).toBe(wanted);
    }
  }
  return failures;
}

const CALLS: readonly HostCall[] = ["open", "read", "write", "fsync", "rename", "stat", "readdir"];

const WAYS = [
  { how: "once", errno: "EIO", persistent: false },
  { how: "from then on", errno: "ENOSPC", persistent: true },
  { how: "once, by its permissions,", errno: "EACCES", persistent: false },
] as const;

/** What each call's failures came to, summed over all ways to fail. */
async function failAll(source: string, reference: string): Promise<Record<string, number>> {
  expect(await attempt(source, reference)).toBeUndefined();
  const wanted = sha256(readFileSync(reference));
  const failures: Record<string, number> = {};
  for (const call of CALLS) {
    for (const { errno, persistent } of WAYS) {
      const count = await failEach(source, wanted, { call, errno, persistent });
      failures[call] = (failures[call] ?? 0) + count;
    }
  }
  return failures;
}

test("a build of a tar where one call after the other fails, once or from then on", async () => {
  const directory = temporaryDirectory();
  const archive = join(directory, "tree.tar.gz");
  execFileSync("tar", ["-czf", archive, "-C", makeTree(directory, 300), "."]);
  const failures = await failAll(`tar:${archive}`, join(directory, "reference.ext4"));
  // The archive is opened once more, for what kind of file it is.
  expect(failures).toMatchObject({ open: 12, fsync: 9, rename: 3 });
  expect(failures["write"]).toBeGreaterThan(30);
});

test("a build of a directory where one call after the other fails, once or from then on", async () => {
  const directory = temporaryDirectory();
  const tree = makeTree(directory, 5);
  const failures = await failAll(`dir:${tree}`, join(directory, "reference.ext4"));
  // Every file of the tree is opened, read and looked at.
  expect(failures["open"]).toBeGreaterThan(25);
  expect(failures["stat"]).toBeGreaterThan(12);
  expect(failures).toMatchObject({ fsync: 9, rename: 3, readdir: 6 });
});

test("a fault that is not reported would be seen: the comparison is with the very bytes", async () => {
  const directory = temporaryDirectory();
  const tree = makeTree(directory, 5);
  const reference = join(directory, "reference.ext4");
  expect(await attempt(`dir:${tree}`, reference)).toBeUndefined();
  const whole = sha256(readFileSync(reference));
  writeFileSync(join(tree, "file-3"), "4");
  await expect(failEach(`dir:${tree}`, whole, { call: "rename", errno: "EIO" })).rejects.toThrow();
});

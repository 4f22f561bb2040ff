/**
 * Every call that writes a list's directory fails in its turn: the former directory or the whole
 * new one is there, and nothing beside it.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { setFaults, type Fault, type HostCall } from "../../src/host/index.ts";
import { build, isWickError } from "../../src/index.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

afterEach(() => setFaults([]));

/** A list of files in two directories, and a former output beside it. */
function planted() {
  const directory = temporaryDirectory();
  const at = (name: string): string => join(directory, name);
  mkdirSync(at("files"));
  const names = Array.from({ length: 3 }, (_, i) => `f${i}`);
  for (const name of names) writeFileSync(at(`files/${name}`), name.repeat(20_000));
  const lines = names.map((name) => `file /d/${name} files/${name} 644 0 0`);
  writeFileSync(at("list"), `file /init files/f0 755 0 0\ndir /d 755 0 0\n${lines.join("\n")}\n`);
  mkdirSync(at("out"));
  writeFileSync(at("out/initramfs_list"), "# former\n");
  return { directory, list: at("list"), output: at("out") };
}

async function attempt(list: string, output: string): Promise<unknown> {
  const environment = { WICK_CACHE: "/proc/nowhere" };
  const context = { environment, workingDirectory: "/", onEvent: () => undefined };
  try {
    const options = { source: `list:${list}`, output, init: "none" } as const;
    await build({ ...options, format: "initramfs-list" }, context);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Names and contents of all that lies below. */
const contents = (path: string): string =>
  execFileSync("sh", ["-c", "find . -type f | sort | xargs sha256sum"], {
    cwd: path,
    encoding: "utf8",
  });

const CALLS: readonly HostCall[] = ["open", "write", "rename", "mkdir"];
const WAYS = [
  { errno: "EIO", persistent: false },
  { errno: "ENOSPC", persistent: true },
] as const;

/** Builds that pass though a call fails, in a row, after which there are no more such calls. */
const HARMLESS = 3;

async function failEach(fault: Omit<Fault, "nth" | "pathPrefix">, wanted: string): Promise<number> {
  let failures = 0;
  for (let nth = 1, inARow = 0; inARow < HARMLESS + 2; nth++) {
    const { directory, list, output } = planted();
    setFaults([{ ...fault, pathPrefix: "/", nth }]);
    const error = await attempt(list, output);
    setFaults([]);
    const which = `${fault.call} ${nth}: ${String(error)}`;
    if (error === undefined) inARow++;
    else inARow = 0;
    if (error !== undefined && !isWickError(error)) throw error;
    if (error !== undefined) failures++;
    const names = readdirSync(directory);
    // Where the former one can neither stay nor come back it lies beside, whole.
    const former = names.find((name) => name.startsWith("wick-old-"));
    if (former !== undefined)
      expect([fault.call, fault.persistent], which).toEqual(["rename", true]);
    else expect(names, which).toEqual(["files", "list", "out"]);
    const found = former === undefined ? output : join(directory, former);
    const isFormer = readFileSync(join(found, "initramfs_list"), "utf8") === "# former\n";
    expect(isFormer, which).toBe(error !== undefined);
    if (error === undefined) expect(contents(join(output, "files")), which).toBe(wanted);
  }
  return failures;
}

test("a list's directory where one call after the other fails, once or from then on", async () => {
  const { list, output } = planted();
  expect(await attempt(list, output)).toBeUndefined();
  const wanted = contents(join(output, "files"));
  expect(wanted.split("\n")).toHaveLength(5);
  const failures: Record<string, number> = {};
  for (const call of CALLS) {
    for (const way of WAYS) {
      failures[call] = (failures[call] ?? 0) + (await failEach({ call, ...way }, wanted));
    }
  }
  expect(failures).toMatchObject({ rename: 4 });
  for (const call of ["open", "write", "mkdir"]) expect(failures[call]).toBeGreaterThan(10);
});

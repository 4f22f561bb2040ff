import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { mainFile, wick, type CliResult } from "../support/cli.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

let image: string;

beforeAll(async () => {
  image = join(lastingDirectory(), "busybox.ext4");
  const words = ["-o", image, "--entrypoint", "/usr/bin/busybox", "deb:busybox-static"];
  const built = await wick(["build", ...words]);
  expect(built.status, built.stderr).toBe(0);
});

/** One error with this code, no stack trace. */
function expectError(result: CliResult, code: string, status: number): void {
  expect(result.status, result.stderr).toBe(status);
  expect(result.stderr.match(/^error: /gm), result.stderr).toHaveLength(1);
  expect(result.stderr).toContain(`[${code}]`);
  expect(result.stderr).not.toMatch(/^\s+at /m);
}

/** `wick` below a shell that first runs `script`. */
function below(script: string, words: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const prefix = ["bash", "-c", `${script} "$@"`, "bash"];
  return wick(words, { prefix, env });
}

const building = (output: string): string[] => {
  const what = ["--init", "none", "deb:busybox-static"];
  return ["build", "-q", ...what, "-o", output];
};

test("wick alone shows its help, --version its version", async () => {
  expect((await wick([])).stdout).toMatch(/^Usage: wick /);
  expect((await wick(["--version"])).stdout).toMatch(/^wick \d/);
});

test("every command's help has examples and fits 80 columns; a half command says so", async () => {
  const commands = ["build", "run", "inspect", "ls", "cat", "pull", "images", "rmi", "prune"];
  const all = [...commands, "login", "logout", "version", "store verify"].map((c) => c.split(" "));
  for (const words of [[], ...all]) {
    const { stdout } = await wick([...words, "--help"]);
    expect(stdout, words.join(" ")).toContain("\nExamples:\n  wick ");
    const [synopsis = ""] = Buffer.from(stdout, "latin1").toString().split("\nExamples:");
    expect(synopsis.split("\n").filter((line) => line.length > 80)).toEqual([]);
    expect(synopsis, words.join(" ")).not.toMatch(/^.{1,12}\n[a-z]/m);
  }
  const half = await wick(["store"]);
  expectError(half, "USAGE", 1);
  expect(half.stderr).toContain("a command is missing");
});

test("a misspelt option is named although another one is missing", async () => {
  const result = await wick(["build", "--ouput", "x", "dir:."]);
  expectError(result, "USAGE", 1);
  expect(result.stderr).toMatch(/hint: .*--output/);
});

test("--env-file is wick's, not Node's", async () => {
  const words = ["build", "--env-file", "/no/such", "deb:x", "-o", "x"];
  // The file itself, as npm links it: its first line is what is tested.
  const prefix = ["sh", "-c", 'shift 3; exec "$@"', "sh"];
  const result = await wick(words, { prefix, main: mainFile });
  expectError(result, "SOURCE_NOT_FOUND", 1);
  expectError(await wick([...words.slice(0, 2), "/dev/zero", ...words.slice(3)]), "IO", 1);
});

test("options that only building can follow are refused for a finished image", async () => {
  const refused = await wick(["run", "--size", "1g", "--no-journal", image, "true"]);
  expectError(refused, "USAGE", 125);
  expect(refused.stderr).toContain("--size, --no-journal");
  expectError(await wick(["run", "--modules", "/tmp", image, "true"]), "USAGE", 125);
});

test("what another init could only ignore is refused", async () => {
  const output = join(temporaryDirectory(), "script.ext4");
  const words = ["--init", "script", "--entrypoint", "/usr/bin/busybox", "deb:busybox-static"];
  expect((await wick(["build", "-q", ...words, "-o", output])).status).toBe(0);
  expectError(await wick(["run", "-q", output, "true"]), "USAGE", 125);
});

test("an error is JSON for wick's --json, not for the application's", async () => {
  const words = ["--kernel", "/no/such", image, "x"];
  expectError(await wick(["run", "-q", ...words, "--json"]), "KERNEL_NOT_FOUND", 125);
  const json = await wick(["run", "-q", "--json", ...words]);
  expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: "KERNEL_NOT_FOUND" } });
});

test("rawjson is nothing but JSON lines, its error too", async () => {
  const output = join(temporaryDirectory(), "x.ext4");
  for (const source of ["deb:busybox-static", "dir:/no/such"]) {
    const words = ["build", "--progress", "rawjson", "--init", "none", source, "-o", output];
    const lines = (await wick(words)).stderr.trim().split("\n");
    expect(lines.every((line) => typeof JSON.parse(line) === "object")).toBe(true);
  }
});

test("a standard output that cannot be written is an error, messages that cannot are not", async () => {
  const output = join(temporaryDirectory(), "x.ext4");
  const full = await below("exec >/dev/full;", building(output));
  expectError(full, "DISK_FULL", 1);
  expect((await below("exec 2>/dev/full;", building(output))).status).toBe(0);
});

test("a machine whose output nobody reads ends, with 141", async () => {
  const script = '"$@" | head -1; exit ${PIPESTATUS[0]}; :';
  expect((await below(script, ["run", "-q", image, "yes"])).status).toBe(141);
});

test("odd surroundings are one error or none: HOME, cache, directory, open files", async () => {
  const output = join(temporaryDirectory(), "x.ext4");
  const homeless = { HOME: undefined, XDG_CACHE_HOME: undefined, XDG_STATE_HOME: undefined };
  expect((await wick(building(output), { env: homeless })).status).toBe(0);
  const nowhere = { ...homeless, WICK_CACHE: undefined };
  expectError(await wick(building(output), { env: nowhere }), "CONFIG_INVALID", 1);
  // Node's own recursive mkdir never returns here.
  const inProc = { WICK_CACHE: "/proc/no/such" };
  const refused = await wick(building(output), { env: inProc });
  expectError(refused, "SOURCE_NOT_FOUND", 1);
  expect(refused.stderr).toContain("hint: WICK_CACHE names another directory");
  const gone = temporaryDirectory();
  const deleted = await below(`cd '${gone}' && rmdir '${gone}';`, building(output));
  mkdirSync(gone);
  expectError(deleted, "SOURCE_NOT_FOUND", 1);
  const few = await below("ulimit -n 20;", building(output));
  // Which of them comes first, a file or a program, is Node's to say.
  expectError(few, /\[(IO|TOOL_FAILED)\]/.exec(few.stderr)?.[1] ?? "IO", 1);
});

test("an output is told by the name that was asked for, however long", async () => {
  const directory = temporaryDirectory();
  const missing = await wick(building(join(directory, "none/x.ext4")));
  expectError(missing, "SOURCE_NOT_FOUND", 1);
  expect(missing.stderr).not.toContain(".tmp");
  const long = "y".repeat(250);
  expect((await wick(building(join(directory, long)))).status).toBe(0);
  expect(readdirSync(directory)).toEqual([long]);
  rmSync(join(directory, long));
  writeFileSync(join(directory, "x"), "");
  expectError(await wick(building(join(directory, "x/y"))), "SOURCE_NOT_FOUND", 1);
});

test("TMPDIR may be relative; --rm and --init alone change nothing", async () => {
  const result = await below(
    `cd "${temporaryDirectory()}" && mkdir tmp;`,
    ["run", "-q", "--rm", "--init", image, "echo", "hi"],
    {
      TMPDIR: "tmp",
    },
  );
  expect(result.stdout, result.stderr).toContain("hi");
});

test("an init kind behind run's --init is taken as the source, and that is said", async () => {
  const { status, stderr } = await wick([
    "run",
    "--pull",
    "never",
    "--init",
    "app",
    "bin:/bin/true",
  ]);
  expect(status).toBe(125);
  expect(stderr).toContain("--init=app names a kind");
});

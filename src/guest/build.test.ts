import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** A copy of what the build needs, so that the tests do not touch dist/. */
function copyOfSources(): string {
  const copy = temporaryDirectory();
  for (const name of ["src/guest/init", "src/guest/stubs", "src/vmm/kvm/probe"]) {
    cpSync(join(repository, name), join(copy, name), { recursive: true });
  }
  mkdirSync(join(copy, "scripts"));
  cpSync(join(repository, "scripts/build-init.mjs"), join(copy, "scripts/build-init.mjs"));
  cpSync(join(repository, "package.json"), join(copy, "package.json"));
  return copy;
}

function build(copy: string, env: NodeJS.ProcessEnv = {}, words: string[] = []) {
  const script = join(copy, "scripts/build-init.mjs");
  const options = { encoding: "utf8", env: { ...process.env, ...env } } as const;
  return spawnSync(process.execPath, [script, ...words], options);
}

/** Type and flags of each program header of a 64-bit ELF file. */
function programHeaders(bytes: Buffer): { type: number; flags: number }[] {
  const start = Number(bytes.readBigUInt64LE(32));
  const size = bytes.readUInt16LE(54);
  return Array.from({ length: bytes.readUInt16LE(56) }, (_, i) => ({
    type: bytes.readUInt32LE(start + i * size),
    flags: bytes.readUInt32LE(start + i * size + 4),
  }));
}

const own = process.arch === "arm64" ? "aarch64" : "x86_64";

test("init builds without a warning, static, within 64 KiB, the same bytes anywhere", () => {
  const [a, b] = [copyOfSources(), copyOfSources()];
  expect(build(a, {}, ["--strict", own])).toMatchObject({ status: 0, stderr: "" });
  expect(build(b, { LANG: "de_DE", TZ: "Asia/Tokyo" }, [own])).toMatchObject({ status: 0 });
  const output = join(a, "dist/guest", `init.${own}`);
  const bytes = readFileSync(output);
  expect(bytes.length).toBeLessThanOrEqual(65536);
  expect(bytes.equals(readFileSync(join(b, "dist/guest", `init.${own}`)))).toBe(true);
  expect(bytes.includes(a)).toBe(false);
  const segments = programHeaders(bytes);
  expect(segments.map(({ type }) => type)).not.toContain(2); // PT_DYNAMIC
  expect(segments.map(({ type }) => type)).not.toContain(3); // PT_INTERP
  expect(segments.filter(({ flags }) => (flags & 3) === 3)).toEqual([]); // written and executed
  const before = statSync(output).mtimeMs;
  expect(build(a, {}, [own]).stdout).toBe(""); // no source is newer
  expect(statSync(output).mtimeMs).toBe(before);
});

test("without a compiler the build says what is missing, and leaves nothing", () => {
  const copy = copyOfSources();
  const result = build(copy, { PATH: join(copy, "nothing"), CC: "no-such-cc" });
  expect(result.status).toBe(1);
  expect(result.stderr).toMatch(
    /^Cannot build init for \w+: no C compiler found[^]*apt-get install/u,
  );
});

test("a source that does not compile is one error and no binary", () => {
  const copy = copyOfSources();
  rmSync(join(copy, "src/guest/init/text.c"));
  const result = build(copy, {}, [own]);
  expect(result.status).toBe(1);
  expect(result.stderr).toContain("Cannot build init for");
  expect(readdirSync(join(copy, "dist/guest"))).toEqual([]);
});

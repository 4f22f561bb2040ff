/** S10: whatever changes an image changes its key; each input is shown to. */
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { planBuild, planRun, type BuildOptions, type BuildPlan } from "../../config/index.ts";
import type { SourceContents } from "../../sources/index.ts";
import { imageKey } from "./image-key.ts";

/** What wick itself brings, changed by tests. */
const wick = vi.hoisted(() => ({ code: "1.0", init: undefined as string | undefined }));

vi.mock("./code-identity.ts", () => ({ codeIdentity: () => wick.code }));
vi.mock(import("../../guest/index.ts"), async (original) => {
  const guest = await original();
  const initBinary: typeof guest.initBinary = (arch) =>
    wick.init === undefined ? guest.initBinary(arch) : pathToFileURL(wick.init);
  return { ...guest, initBinary };
});

let directory: string;

beforeEach(() => {
  Object.assign(wick, { code: "1.0", init: undefined });
  directory = mkdtempSync(join(tmpdir(), "key-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

const options: BuildOptions = { source: "nginx:alpine", output: "/tmp/x.ext4" };

function plan(
  changes: Partial<BuildOptions> = {},
  environment: Record<string, string> = {},
): BuildPlan {
  const caller = { environment, workingDirectory: directory, arch: "x86_64" } as const;
  return planBuild({ ...options, ...changes }, caller);
}

function source(identity: string | undefined): SourceContents {
  return { layers: [], identity, parts: [] };
}

const nginx = source("image sha256:aaaa linux/amd64");

const reference = (): Promise<string | undefined> => imageKey(plan(), [nginx]);

test("the same inputs have the same key, wherever they come from and go to", async () => {
  const key = await reference();
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  expect(await reference()).toBe(key);
  const same: Partial<BuildOptions>[] = [
    { output: "/tmp/y.ext4" },
    { source: "docker.io/library/nginx:1.27" },
    { pull: "always" },
    { insecure: ["localhost:5000"] },
    { refresh: true },
  ];
  for (const changes of same) expect(await imageKey(plan(changes), [nginx])).toBe(key);
});

test("what a run boots is what a build of the same writes", async () => {
  const caller = { environment: {}, workingDirectory: directory, arch: "x86_64" } as const;
  const { content } = planRun({ source: "nginx:alpine", env: ["A=1"], memory: "1g" }, caller);
  expect(await imageKey(content, [nginx])).toBe(await reference());
});

const changed: readonly (readonly [string, Partial<BuildOptions>])[] = [
  ["config: a variable", { env: ["A=1"] }],
  ["config: the command", { cmd: ["-v"] }],
  ["config: the entrypoint", { entrypoint: "/x" }],
  ["config: the user", { user: "www-data" }],
  ["config: the directory", { workdir: "/srv" }],
  ["config: a port", { expose: ["81"] }],
  ["config: a label", { label: ["a=b"] }],
  ["config: the stop signal", { stopSignal: "SIGQUIT" }],
  ["the volume label", { label: ["data"] }],
  ["--size", { size: "2g" }],
  ["--size min", { size: "min" }],
  ["--no-journal", { journal: false }],
  ["--format", { format: "erofs" }],
  ["--init", { init: "none" }],
  ["the architecture", { platform: "linux/arm64" }],
];

test.each(changed)("S10 another key: %s", async (_name, changes) => {
  expect(await imageKey(plan(changes), [nginx])).not.toBe(await reference());
});

test("S10 another key: SOURCE_DATE_EPOCH", async () => {
  const at = plan({}, { SOURCE_DATE_EPOCH: "1700000000" });
  expect(await imageKey(at, [nginx])).not.toBe(await reference());
});

test("S10 another key: another init, another version of wick", async () => {
  const keys = [await reference()];
  wick.init = join(directory, "init");
  writeFileSync(wick.init, "another init");
  keys.push(await reference());
  wick.code = "1.1";
  keys.push(await reference());
  expect(new Set(keys).size).toBe(3);
});

test("S10 another key: another program of the host's that writes the format, not for other formats", async () => {
  const tool = join(directory, "mksquashfs");
  writeFileSync(tool, "#!/bin/sh\n", { mode: 0o755 });
  vi.stubEnv("PATH", directory);
  try {
    const squashfs = plan({ format: "squashfs", output: "/tmp/x.squashfs" });
    const before = [await imageKey(squashfs, [nginx]), await reference()];
    utimesSync(tool, 1, 1);
    const after = [await imageKey(squashfs, [nginx]), await reference()];
    expect(after[0]).not.toBe(before[0]);
    expect(after[1]).toBe(before[1]);
  } finally {
    vi.unstubAllEnvs();
  }
});

test("S10 another key: another manifest or platform, another source on top, another order", async () => {
  const other = source("image sha256:bbbb linux/amd64");
  const keys = await Promise.all([
    reference(),
    imageKey(plan(), [other]),
    imageKey(plan(), [source("image sha256:aaaa linux/arm64")]),
    imageKey(plan(), [nginx, other]),
    imageKey(plan(), [other, nginx]),
    imageKey(plan(), [nginx, nginx]),
  ]);
  expect(new Set(keys).size).toBe(keys.length);
});

test("S10 another key: what --add brings, its name, its mode, its place", async () => {
  const file = join(directory, "page");
  const key = (changes: Partial<BuildOptions>) => imageKey(plan(changes), [nginx]);
  writeFileSync(file, "one", { mode: 0o644 });
  const keys = [await reference(), await key({ add: [`${file}:/srv/`] })];
  expect(await key({ add: [`${file}:/srv/`] })).toBe(keys[1]);
  keys.push(await key({ add: [`${file}:/srv/page`] }), await key({ add: [`${directory}:/srv`] }));
  writeFileSync(file, "two");
  utimesSync(file, 0, 0);
  keys.push(await key({ add: [`${file}:/srv/`] }), await key({ add: [`${directory}:/srv`] }));
  rmSync(file);
  writeFileSync(file, "two", { mode: 0o755 });
  keys.push(await key({ add: [`${file}:/srv/`] }));
  expect(new Set(keys).size).toBe(keys.length);
});

test("a source that cannot say what is in it, or too much to add, gives no key", async () => {
  expect(await imageKey(plan(), [source(undefined)])).toBeUndefined();
  expect(await imageKey(plan(), [nginx, source(undefined)])).toBeUndefined();
  const large = join(directory, "large");
  writeFileSync(large, Buffer.alloc((64 << 20) + 1));
  expect(await imageKey(plan({ add: [`${large}:/x`] }), [nginx])).toBeUndefined();
});

import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { record } from "../../../test/support/record.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { type DebFile, fetchPackages, type FetchProgress } from "./apt.ts";
import { debLayer } from "./deb-layer.ts";

/** One cache for the whole file: package lists are fetched once, as an ordinary user. */
let cache = "";
let first: DebFile[] = [];
const progress: FetchProgress[] = [];

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;

/** Runs `work` with the file rights of nobody, where the tests run as root. */
async function asOrdinaryUser<T>(work: () => Promise<T>): Promise<T> {
  if (!isRoot) return work();
  process.setegid!(NOBODY);
  process.seteuid!(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid!(0);
    process.setegid!(0);
  }
}

beforeAll(async () => {
  cache = mkdtempSync(join(tmpdir(), "apt-"));
  if (isRoot) execFileSync("chown", [`${NOBODY}:${NOBODY}`, cache]);
  first = await asOrdinaryUser(() =>
    fetchPackages({
      packages: [{ name: "nginx-light" }],
      arch: "amd64",
      cacheDirectory: cache,
      onProgress: (step) => void progress.push(step),
    }),
  );
});

afterAll(() => rmSync(cache, { recursive: true, force: true }));

const fetchFrom = (
  cacheDirectory: string,
  names: readonly string[],
  more: Partial<Parameters<typeof fetchPackages>[0]> = {},
): Promise<DebFile[]> =>
  fetchPackages({
    packages: names.map((word) => {
      const [name = "", version] = word.split("=");
      return version === undefined ? { name } : { name, version };
    }),
    arch: "amd64",
    cacheDirectory,
    ...more,
  });

/** What apt itself would fetch for an empty system, by the host's own lists or ours. */
function closureByApt(name: string): string[] {
  const lists = join(cache, "apt/amd64/lists");
  const empty = join(cache, "empty-status");
  writeFileSync(empty, "");
  const output = execFileSync(
    "apt-get",
    [
      `-o Dir::State::lists=${lists} -o Dir::State::status=${empty} -o Debug::NoLocking=1`,
      `-o APT::Install-Recommends=false -y -qq --print-uris install ${name}`,
    ].flatMap((words) => words.split(" ")),
    { encoding: "utf8" },
  );
  return output
    .trim()
    .split("\n")
    .map((line) => decodeURIComponent(line.split(" ")[1]!))
    .sort();
}

test("an ordinary user gets the closure that apt resolves, sorted, with true digests", () => {
  const names = first.map(({ name, version, arch }) => `${name}_${version}_${arch}.deb`);
  expect([...names].sort()).toEqual(closureByApt("nginx-light"));
  const order = first.map(({ name }) => name);
  expect(order).toEqual([...order].sort());
  expect(first.length).toBeGreaterThan(10);
  for (const file of first) {
    const sum = execFileSync("sha256sum", [file.path], { encoding: "utf8" }).slice(0, 64);
    expect([sum, readFileSync(file.path).length]).toEqual([file.sha256, file.sizeBytes]);
  }
});

test("progress counts bytes up to the total, and nothing temporary is left", () => {
  const packages = progress.filter(({ step }) => step === "packages");
  expect(progress[0]).toEqual({ step: "lists", doneBytes: 0 });
  expect(packages.at(-1)!.doneBytes).toBe(packages.at(-1)!.totalBytes);
  expect(readdirSync(join(cache, "apt/amd64")).filter((name) => name.startsWith("wick-"))).toEqual(
    [],
  );
});

test("a second fetch asks no archive and gives the same files", async () => {
  const steps: FetchProgress[] = [];
  const again = await fetchFrom(cache, ["nginx-light"], {
    onProgress: (step) => void steps.push(step),
  });
  expect(again).toEqual(first);
  expect(steps).toEqual([]);
});

test("of what is resolved only the wanted packages are downloaded", async () => {
  const directory = temporaryDirectory();
  const steps: FetchProgress[] = [];
  const files = await fetchFrom(directory, ["nginx-light"], {
    only: (name) => name === "libmnl0" || name === "nginx-light",
    onProgress: (step) => void steps.push(step),
  });
  const withoutPath = (file: DebFile): DebFile => ({ ...file, path: "" });
  const wanted = first.filter(({ name }) => ["libmnl0", "nginx-light"].includes(name));
  expect(files.map(withoutPath)).toEqual(wanted.map(withoutPath));
  expect(readdirSync(join(directory, "debs"))).toHaveLength(2);
  const bytes = wanted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  expect(steps.at(-1)).toEqual({ step: "packages", doneBytes: bytes, totalBytes: bytes });
});

test("a package damaged in the cache is fetched again", async () => {
  const victim = first.find(({ name }) => name === "libmnl0")!;
  const bytes = readFileSync(victim.path);
  bytes[100]! ^= 1;
  rmSync(victim.path);
  writeFileSync(victim.path, bytes);
  expect(await fetchFrom(cache, ["nginx-light"])).toEqual(first);
  const sum = execFileSync("sha256sum", [victim.path], { encoding: "utf8" }).slice(0, 64);
  expect(sum).toBe(victim.sha256);
});

test("two at once in one cache both get everything", async () => {
  const { path } = first.find(({ name }) => name === "libbpf1")!;
  rmSync(path);
  const both = await Promise.all([
    fetchFrom(cache, ["nginx-light"], { refresh: true }),
    fetchFrom(cache, ["nginx-light"], { refresh: true }),
  ]);
  expect(both).toEqual([first, first]);
});

test("a package's layer is what dpkg-deb lists, for every package of the closure", async () => {
  for (const file of first) {
    const { entries, warnings } = await record(debLayer({ label: file.name, path: file.path }));
    const tar = execFileSync("dpkg-deb", ["--fsys-tarfile", file.path], { maxBuffer: 1 << 28 });
    const listed = execFileSync("tar", ["-t"], { input: tar, encoding: "utf8" });
    expect(entries.map(({ entry }) => Buffer.from(entry.path).toString())).toEqual(
      listed.trimEnd().split("\n"),
    );
    expect(warnings).toEqual([]);
  }
});

test("with merged /usr nothing is left in /lib, and hard links follow", async () => {
  const libc = first.find(({ name }) => name === "libc6")!;
  const layer = debLayer({ label: "libc6", path: libc.path }, { mergedUsr: true });
  const paths = (await record(layer)).entries.map(({ entry }) =>
    Buffer.from(entry.path).toString().replace(/^\.\//, ""),
  );
  expect(paths.filter((path) => /^(lib|lib64|bin|sbin)(\/|$)/.test(path))).toEqual([]);
  expect(paths).toContain("usr/lib/x86_64-linux-gnu/libc.so.6");
});

test("an unknown package is SOURCE_NOT_FOUND with the nearest names", async () => {
  await expect(fetchFrom(cache, ["ngnix-light"])).rejects.toMatchObject({
    code: "SOURCE_NOT_FOUND",
    message: 'Cannot find the package "ngnix-light": Unable to locate package ngnix-light',
    hint: "did you mean nginx-light?",
  });
});

test("an unknown version is SOURCE_NOT_FOUND with the versions that are", async () => {
  const version = first.find(({ name }) => name === "nginx-light")!.version;
  await expect(fetchFrom(cache, ["nginx-light=99*"])).rejects.toMatchObject({
    code: "SOURCE_NOT_FOUND",
    hint: expect.stringContaining(version),
  });
  const pattern = `${version.slice(0, 4)}*`;
  expect(await fetchFrom(cache, [`nginx-light=${pattern}`])).toEqual(first);
});

test("a foreign architecture has lists of its own", async () => {
  const files = await fetchFrom(cache, ["busybox-static"], { arch: "arm64" });
  expect(files.map(({ name, arch }) => [name, arch])).toEqual([["busybox-static", "arm64"]]);
});

/** apt with other sources than the host's: its own APT_CONFIG file says where they are. */
async function withSources<T>(sources: string, parts: string, work: () => Promise<T>): Promise<T> {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, "sources.list"), sources);
  const before = process.env["PATH"];
  const real = execFileSync("sh", ["-c", "command -v apt-get"], { encoding: "utf8" }).trim();
  // The environment of tools is a fixed list, so a wrapper in front of apt-get brings it in.
  writeFileSync(
    join(directory, "apt-get"),
    `#!/bin/sh\nexec ${real} -o Dir::Etc::sourcelist=${directory}/sources.list -o Dir::Etc::sourceparts=${parts} "$@"\n`,
  );
  chmodSync(join(directory, "apt-get"), 0o755);
  process.env["PATH"] = `${directory}:${before}`;
  try {
    return await work();
  } finally {
    process.env["PATH"] = before;
  }
}

test("an archive that cannot be reached is SOURCE_FAILED with apt's words", async () => {
  const empty = temporaryDirectory();
  await withSources("deb http://127.0.0.1:9/debian none main", "-", async () => {
    await expect(fetchFrom(empty, ["nginx-light"])).rejects.toMatchObject({
      code: "SOURCE_FAILED",
      message: expect.stringMatching(/apt says ".*127\.0\.0\.1/),
      hint: expect.stringContaining("the archive cannot be reached"),
    });
  });
  expect(readdirSync(join(empty, "apt/amd64"))).toEqual([]);
});

test("an unsigned archive is refused", async () => {
  const archive = temporaryDirectory();
  chmodSync(archive, 0o755);
  writeFileSync(join(archive, "Packages"), "");
  writeFileSync(join(archive, "Release"), "Origin: test\n");
  await withSources(`deb file:${archive} ./`, "-", async () => {
    await expect(fetchFrom(temporaryDirectory(), ["nginx-light"])).rejects.toMatchObject({
      code: "SOURCE_FAILED",
      hint: expect.stringContaining("signed packages only"),
    });
  });
});

test("apt without any sources is said to be so", async () => {
  await withSources("# none\n", "-", async () => {
    await expect(fetchFrom(temporaryDirectory(), ["nginx-light"])).rejects.toMatchObject({
      code: "SOURCE_FAILED",
      hint: expect.stringContaining("apt has no sources"),
    });
  });
});

test("a source that cannot be reached beside the host's own only warns", async () => {
  const told: string[] = [];
  const parts = temporaryDirectory();
  chmodSync(parts, 0o755);
  execFileSync("sh", [
    "-c",
    'cp /etc/apt/sources.list.d/* "$0"/ 2>&-; cp /etc/apt/sources.list "$0"/host.list 2>&-; true',
    parts,
  ]);
  writeFileSync(join(parts, "third.list"), "deb http://127.0.0.1:9/debian none main\n");
  await withSources("", parts, async () => {
    const again = await fetchFrom(cache, ["nginx-light"], {
      refresh: true,
      onWarning: (message) => void told.push(message),
    });
    expect(again).toEqual(first);
  });
  expect(told).toEqual([expect.stringMatching(/^Cannot fetch the package lists: .*127\.0\.0\.1/)]);
});

test("a full disk is DISK_FULL in seconds, and nothing is left", async () => {
  const directory = temporaryDirectory();
  // Only root may mount a small disk; others see what apt says where it notices by itself.
  if (isRoot) execFileSync("mount", ["-t", "tmpfs", "-o", "size=6m", "small", directory]);
  else fakeApt(directory, "E: Write error - write (28: No space left on device)");
  const before = process.env["PATH"];
  if (!isRoot) process.env["PATH"] = `${directory}:${before}`;
  try {
    await expect(fetchFrom(directory, ["nginx-light"])).rejects.toMatchObject({
      code: "DISK_FULL",
      hint: expect.stringContaining("WICK_CACHE"),
    });
    expect(readdirSync(join(directory, "apt/amd64"))).toEqual([]);
  } finally {
    process.env["PATH"] = before;
    if (isRoot) execFileSync("umount", [directory]);
  }
});

test("broken dependencies are told in apt's own words", async () => {
  const directory = temporaryDirectory();
  fakeApt(directory, "E: Unable to correct problems, you have held broken packages.");
  const before = process.env["PATH"];
  process.env["PATH"] = `${directory}:${before}`;
  try {
    await expect(fetchFrom(cache, ["nginx-light", "curl"])).rejects.toMatchObject({
      code: "SOURCE_FAILED",
      message: expect.stringContaining('apt says "Unable to correct problems'),
      detail: expect.arrayContaining([" x : Depends: y but it is not installable"]),
    });
  } finally {
    process.env["PATH"] = before;
  }
});

/** An apt-get that fails with these words, whatever it is asked. */
function fakeApt(directory: string, words: string): void {
  const path = join(directory, "apt-get");
  const unmet =
    "The following packages have unmet dependencies:\\n x : Depends: y but it is not installable\\n";
  writeFileSync(path, `#!/bin/sh\nprintf "${unmet}"\necho "${words}" >&2\nexit 100\n`);
  chmodSync(path, 0o755);
}

test("a signal ends a fetch with INTERRUPTED and leaves nothing", async () => {
  const directory = temporaryDirectory();
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 300);
  await expect(
    fetchFrom(directory, ["nginx-light"], { signal: stop.signal }),
  ).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(readdirSync(join(directory, "apt/amd64"))).toEqual([]);
});

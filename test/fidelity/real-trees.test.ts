/** Trees that other people's tools made come back from a mounted image as those tools unpack them. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { jsonOf, testCache, wick } from "../support/cli.ts";
import { architecture } from "../support/image-builder.ts";
import { essentialTree } from "../support/essential-tree.ts";
import {
  canMount,
  debugfs,
  dumpe2fs,
  e2fsck,
  flipBytes,
  mountedContents,
  kernelManifest,
  withoutRootLinks,
} from "../support/ext4-image.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

/** What GNU tar makes of it, and wick. */
let unpacked: string;
let fromTar: string;

beforeAll(async () => {
  if (!canMount) return;
  const archive = essentialTree();
  unpacked = join(lastingDirectory(), "unpacked");
  mkdirSync(unpacked);
  const keepAll = ["--xattrs", "--xattrs-include=*", "--acls", "--numeric-owner", "-p"];
  execFileSync("tar", ["-x", ...keepAll, "-C", unpacked, "-f", archive]);
  fromTar = join(lastingDirectory(), "x.ext4");
  const result = await wick(["build", "--init", "none", `tar:${archive}`, "-o", fromTar]);
  expect(result.status, result.stderr).toBe(0);
}, 300_000);

/** Builds an image by these words. */
async function build(...words: string[]): Promise<string> {
  const output = join(temporaryDirectory(), "x.ext4");
  const result = await wick(["build", ...words, "-o", output]);
  expect(result.status, result.stderr).toBe(0);
  return output;
}

test.skipIf(!canMount)(
  "a tree of mmdebstrap, as a tar and as a directory, comes back as GNU tar unpacks it",
  async () => {
    const expected = kernelManifest(unpacked).map(withoutRootLinks);
    expect(expected.length).toBeGreaterThan(2000);
    const smallest = ["--size", "min", "--no-journal"];
    const fromDirectory = await build("--init", "none", `dir:${unpacked}`, ...smallest);
    for (const image of [fromTar, fromDirectory]) {
      expect(e2fsck(image)).toMatchObject({ status: 0 });
      expect(mountedContents(image)).toEqual(expected);
    }
  },
  120_000,
);

test.skipIf(!canMount)("the comparison with GNU tar sees one changed byte", () => {
  const block = Number(
    /^debugfs: blocks.*\n(\d+)/m.exec(debugfs(fromTar, "blocks /usr/bin/dpkg"))![1],
  );
  flipBytes(fromTar, block * 4096 + 1000);
  const expected = new Set(kernelManifest(unpacked).map(withoutRootLinks));
  const others = mountedContents(fromTar).filter((line) => !expected.has(line));
  expect(others.map((line) => line.slice(0, line.indexOf("|")))).toEqual(["/usr/bin/dpkg"]);
});

/** Unpacks by dpkg-deb what wick fetched: the packages of an image, into a merged /usr. */
function unpackPackages(names: ReadonlySet<string>, root: string): void {
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    mkdirSync(join(root, "usr", name), { recursive: true });
    symlinkSync(`usr/${name}`, join(root, name));
  }
  const debs = join(testCache, "debs");
  const files = readdirSync(debs).filter((name) => name.endsWith(".deb"));
  // Other architectures' packages lie beside them under the same names.
  const wanted = new Set([...names].flatMap((name) => [`${architecture} ${name}`, `all ${name}`]));
  let found = 0;
  for (const file of files) {
    const show = ["-W", "--showformat=${Architecture} ${Package} ${Version}", join(debs, file)];
    if (!wanted.has(execFileSync("dpkg-deb", show, { encoding: "utf8" }))) continue;
    found++;
    const script = 'dpkg-deb --fsys-tarfile "$0" | tar -xp --keep-directory-symlink -C "$1"';
    execFileSync("sh", ["-c", script, join(debs, file), root]);
  }
  expect(found).toBe(names.size);
}

/** The four links of a merged /usr are made by the test, not by a package. */
const MERGED = new Set(["/bin", "/sbin", "/lib", "/lib64"]);

/**
 * Lines by path; of a directory no links and times, which depend on what lies beside it and on
 * which of two packages came last.
 */
function byPath(lines: readonly string[]): Map<string, string> {
  const entries = lines.map((line): [string, string] => {
    const [path, kind, mode, owner] = line.split("|");
    return [path!, kind === "directory" ? [path, kind, mode, owner].join("|") : line];
  });
  return new Map(entries.filter(([path]) => !MERGED.has(path)));
}

test.skipIf(!canMount)(
  "nginx-light: every file of every package is in the image as dpkg-deb unpacks it",
  async () => {
    const output = join(temporaryDirectory(), "x.ext4");
    const result = await wick(["build", "deb:nginx-light", "--json", "-o", output]);
    expect(result.status, result.stderr).toBe(0);
    const { parts } = jsonOf<{ parts: { name: string }[] }>(result);
    expect(e2fsck(output)).toMatchObject({ status: 0 });
    const root = temporaryDirectory();
    unpackPackages(new Set(parts.map(({ name }) => name)), root);
    const ours = byPath(mountedContents(output));
    const theirs = byPath(kernelManifest(root));
    const different = [...theirs].filter(([path, line]) => ours.get(path) !== line);
    // The recipe gives it the group adm, as the package's own script would.
    expect(different).toEqual([["/var/log/nginx", "/var/log/nginx|directory|755|0:0"]]);
    const added = [...ours.keys()].filter((path) => !theirs.has(path));
    // Beside them only what is made at boot, by the recipe or by wick: of /usr nothing but init.
    expect(added.filter((path) => path.startsWith("/usr/"))).toEqual(["/usr/sbin/init"]);
    expect(added).toEqual(expect.arrayContaining(["/etc/passwd", "/.wick/init.rec", "/proc"]));
  },
);

test.skipIf(!canMount)("the smallest image without a journal holds the same nginx", async () => {
  const nominal = await build("deb:nginx-light");
  const smallest = await build("deb:nginx-light", "--size", "min", "--no-journal");
  expect(e2fsck(smallest)).toMatchObject({ status: 0 });
  expect(dumpe2fs(nominal, "-h")).toContain("has_journal");
  expect(dumpe2fs(smallest, "-h")).not.toContain("has_journal");
  expect(statSync(nominal).size - statSync(smallest).size).toBeGreaterThan(250 << 20);
  expect(mountedContents(smallest)).toEqual(mountedContents(nominal));
});

/**
 * An image of real layers: a distribution's root file system, packages and rewritten files on
 * top of it, then deletions, each made a layer by umoci. What comes back from the mounted image
 * is the tree that umoci unpacks.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { beforeAll, expect, test } from "vitest";
import { createExt4 } from "../../src/formats/ext4/index.ts";
import { FileStorage } from "../../src/host/index.ts";
import { type StackSummary, Tree, unpackLayers } from "../../src/tree/index.ts";
import { testCache, wick } from "../support/cli.ts";
import { essentialTree } from "../support/essential-tree.ts";
import {
  canMount,
  debugfs,
  e2fsck,
  flipBytes,
  mountedContents,
  kernelManifest,
  withoutRootLinks,
} from "../support/ext4-image.ts";
import { writeLayout } from "../support/oci-layout.ts";
import { tarLayer } from "../support/tar-layer.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

/** The image's layers, what umoci makes of them, and wick's image of them. */
let layout: string;
let unpacked: string;
let image: string;
let summary: StackSummary;

beforeAll(async () => {
  if (!canMount) return;
  await fetchPackages();
  layout = join(lastingDirectory(), "layout");
  writeLayout(layout, [{ name: "one", layers: [readFileSync(essentialTree())] }]);
  const bundle = join(lastingDirectory(), "bundle");
  umoci("unpack", "--image", `${layout}:one`, bundle);
  const root = join(bundle, "rootfs");
  installOn(root);
  umoci("repack", "--image", `${layout}:two`, "--refresh-bundle", bundle);
  deleteFrom(root);
  umoci("repack", "--image", `${layout}:three`, "--refresh-bundle", bundle);
  unpacked = join(lastingDirectory(), "unpacked");
  umoci("raw", "unpack", "--image", `${layout}:three`, unpacked);
  image = join(lastingDirectory(), "x.ext4");
  summary = await writeImage(image, layersOf("three"));
}, 300_000);

function umoci(...words: string[]): void {
  execFileSync("umoci", words, { stdio: "pipe" });
}

const debs = join(testCache, "debs");

/** Packages that wick has fetched for whatever test. */
const packages = (): string[] =>
  existsSync(debs) ? readdirSync(debs).filter((name) => name.endsWith(".deb")) : [];

/** wick's cache of packages gets those of nginx, unless there are some. */
async function fetchPackages(): Promise<void> {
  if (packages().length > 0) return;
  const output = join(temporaryDirectory(), "x.ext4");
  const result = await wick(["build", "deb:nginx-light", "-o", output]);
  expect(result.status, result.stderr).toBe(0);
}

/** New packages, and new versions of what is there: the same files with other times. */
function installOn(root: string): void {
  const install = 'dpkg-deb --fsys-tarfile "$0" | tar -xp --keep-directory-symlink -C "$1"';
  for (const name of packages()) execFileSync("sh", ["-c", install, join(debs, name), root]);
  const rewrite =
    "find usr/lib/*-linux-gnu usr/share/perl* -type f | xargs touch -d @1700000000 && " +
    "mv usr/share/common-licenses usr/share/licenses && " +
    "ln -s licenses usr/share/common-licenses && rm usr/bin/sort && cp usr/bin/cut usr/bin/sort";
  execFileSync("sh", ["-ec", rewrite], { cwd: root });
}

/** Whole directories, one of two names of a file, a file that becomes a directory. */
function deleteFrom(root: string): void {
  const at = (path: string): string => join(root, path);
  for (const path of ["usr/share/doc", "usr/share/locale", "usr/share/man", "var/lib/dpkg/info"]) {
    rmSync(at(path), { recursive: true });
  }
  expect(existsSync(at("usr/bin/perl"))).toBe(true);
  rmSync(at("usr/bin/perl"));
  rmSync(at("etc/hostname"), { force: true });
  renameSync(at("usr/bin/cut"), at("usr/bin/cut.real"));
  execFileSync("mkdir", ["-p", at("usr/bin/cut/inside")]);
}

/** A digest's bytes in the layout. */
const blob = (digest: string): Buffer =>
  readFileSync(join(layout, "blobs", digest.replace(":", "/")));

interface Described {
  readonly digest: string;
  readonly mediaType: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

function layersOf(name: string): Uint8Array[] {
  const { manifests } = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as {
    manifests: Described[];
  };
  const key = "org.opencontainers.image.ref.name";
  const { digest } = manifests.find(({ annotations }) => annotations?.[key] === name)!;
  const { layers } = JSON.parse(blob(digest).toString()) as { layers: Described[] };
  return layers.map((layer) =>
    layer.mediaType.endsWith("gzip") ? gunzipSync(blob(layer.digest)) : blob(layer.digest),
  );
}

async function writeImage(path: string, layers: readonly Uint8Array[]): Promise<StackSummary> {
  using storage = new FileStorage(path, "create");
  const warn = (): void => undefined;
  const writer = createExt4(storage, { journal: false, uuid: new Uint8Array(16).fill(7), warn });
  const tree = new Tree();
  const found = await unpackLayers(
    layers.map((bytes, i) => tarLayer(`layer ${i}`, bytes)),
    { tree, sink: writer.sink, warn, play: (layer, visitor) => layer.play(visitor) },
  );
  writer.finish(tree);
  return found;
}

test.skipIf(!canMount)(
  "three real layers come back from the mounted image as umoci unpacks them",
  () => {
    expect(layersOf("three")).toHaveLength(3);
    expect(e2fsck(image)).toMatchObject({ status: 0 });
    const expected = kernelManifest(unpacked).map(withoutRootLinks);
    expect(expected.length).toBeGreaterThan(1500);
    expect(expected.filter((line) => line.startsWith("/usr/bin/cut/inside|"))).toHaveLength(1);
    expect(mountedContents(image)).toEqual(expected);
  },
);

test.skipIf(!canMount)("what the upper layers replace or delete is not written", () => {
  expect(summary.leftOutFiles).toBeGreaterThan(500);
  expect(summary.leftOutBytes).toBeGreaterThan(10 << 20);
});

test.skipIf(!canMount)("the same layers give the same image", async () => {
  const again = join(temporaryDirectory(), "y.ext4");
  await writeImage(again, layersOf("three"));
  expect(readFileSync(again).equals(readFileSync(image))).toBe(true);
});

test.skipIf(!canMount)("the comparison with umoci sees one changed byte", () => {
  const block = Number(
    /^debugfs: blocks.*\n(\d+)/m.exec(debugfs(image, "blocks /usr/bin/sort"))![1],
  );
  flipBytes(image, block * 4096 + 1000);
  const expected = new Set(kernelManifest(unpacked).map(withoutRootLinks));
  const others = mountedContents(image).filter((line) => !expected.has(line));
  expect(others.map((line) => line.slice(0, line.indexOf("|")))).toEqual(["/usr/bin/sort"]);
});

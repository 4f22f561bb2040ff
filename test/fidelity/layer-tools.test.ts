/** Generated stacks of layers give what umoci and containerd make of them, whole manifests compared. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createExt4 } from "../../src/formats/ext4/index.ts";
import { FileStorage } from "../../src/host/index.ts";
import { MemorySink, Tree, unpackLayers } from "../../src/tree/index.ts";
import { canMount, e2fsck, kernelComplaints, mountImage } from "../support/ext4-image.ts";
import { Containerd } from "../support/containerd.ts";
import {
  LATEST_SECONDS,
  layerTar,
  stacks,
  type Stack,
  type StackKind,
} from "../support/layer-stacks.ts";
import { manifestOfDirectory, manifestOfTree } from "../support/manifest.ts";
import { archive, file, header, pax } from "../support/tar-builder.ts";
import { chainId, writeLayout, type LayoutImage } from "../support/oci-layout.ts";
import { tarLayer } from "../support/tar-layer.ts";
import { lastingDirectory, temporaryDirectory } from "../support/temporary-directory.ts";

/** Unpacking with owners and devices is for root. */
const isRoot = process.getuid?.() === 0;

const directory = (name: string): Uint8Array => header({ name, typeflag: "5", mode: 0o755 });
const symlink = (name: string, linkname: string): Uint8Array =>
  header({ name, typeflag: "2", linkname, mode: 0o777 });
const hardLink = (name: string, linkname: string): Uint8Array =>
  header({ name, typeflag: "1", linkname });

const STACKS = 40;
const seed = 20_261_125;

function imagesOf(kind: StackKind): LayoutImage[] {
  return fc.sample(stacks(kind), { numRuns: STACKS, seed }).map(imageOf);
}

function imageOf(layers: Stack, i: number): LayoutImage {
  // A layer without entries is an archive of nothing but its end: all tools take it.
  return { name: `image-${i}`, layers: layers.map((steps) => layerTar(steps)) };
}

async function ours({ layers }: LayoutImage): Promise<string[]> {
  const tree = new Tree();
  const sink = new MemorySink();
  await unpackLayers(
    layers.map((bytes, i) => tarLayer(`layer ${i}`, bytes)),
    { tree, sink, warn: () => undefined, play: (layer, visitor) => layer.play(visitor) },
  );
  return manifestOfTree(tree, sink);
}

/** A layout as a tar archive. */
function packed(layout: string): string {
  const path = join(temporaryDirectory(), "images.tar");
  execFileSync("tar", ["-cf", path, "-C", layout, "."]);
  return path;
}

/** As umoci unpacks an image of a layout. */
function byUmoci(layout: string, name: string): string[] {
  const bundle = join(temporaryDirectory(), name);
  execFileSync("umoci", ["raw", "unpack", "--image", `${layout}:${name}`, bundle], {
    stdio: "pipe",
  });
  return manifestOfDirectory(bundle);
}

/**
 * A whiteout that reaches into a subdirectory makes umoci give that the time of day; there
 * `lines` get the time that `theirs` have.
 */
function withTimesOf(lines: readonly string[], theirs: readonly string[]): string[] {
  return lines.map((line, i) => {
    const [fields, other] = [line.split("|"), theirs[i]?.split("|") ?? []];
    const isByClock = other[1] === "directory" && Number.parseFloat(other[4]!) > LATEST_SECONDS;
    return isByClock && fields[0] === other[0] ? fields.with(4, other[4]!).join("|") : line;
  });
}

test.skipIf(!isRoot)("umoci unpacks generated stacks to the same trees", async () => {
  const images = imagesOf({ complete: true, once: false });
  const layout = temporaryDirectory();
  writeLayout(layout, images);
  for (const image of images) {
    const theirs = byUmoci(layout, image.name);
    expect(withTimesOf(await ours(image), theirs), image.name).toEqual(theirs);
  }
});

let containerd: Containerd | undefined;

beforeAll(async () => {
  if (isRoot) containerd = await Containerd.start(lastingDirectory());
});

afterAll(() => containerd?.stop());

/**
 * What containerd does otherwise is left out of the comparison: it ignores an entry for the
 * root, keeps a described directory's old attributes, and loses directories' times as it
 * copies one snapshot to the next.
 */
const asContainerdHasIt = (lines: readonly string[]): string[] =>
  lines
    .filter((line) => !line.startsWith("/|"))
    .map((line) => {
      const fields = line.split("|");
      if (fields[1] !== "directory") return line;
      return [...fields.slice(0, 4), "", ...fields.slice(5, 9)].join("|");
    });

test.skipIf(!isRoot)("containerd unpacks generated stacks to the same trees", async () => {
  const images = imagesOf({ complete: true, once: true });
  const layout = temporaryDirectory();
  writeLayout(layout, images);
  containerd!.import(packed(layout));
  for (const image of images) {
    const theirs = manifestOfDirectory(containerd!.snapshot(chainId(image.layers)));
    expect(asContainerdHasIt(await ours(image)), image.name).toEqual(asContainerdHasIt(theirs));
  }
});

test.skipIf(!isRoot || !canMount)(
  "generated stacks, written into ext4 and mounted, are what umoci unpacks",
  async () => {
    const images = imagesOf({ complete: true, once: false }).slice(0, 8);
    const layout = temporaryDirectory();
    writeLayout(layout, images);
    for (const what of images) {
      const path = join(temporaryDirectory(), "x.ext4");
      await writeExt4(path, what);
      expect(e2fsck(path)).toMatchObject({ status: 0 });
      const theirs = byUmoci(layout, what.name);
      using mount = mountImage(path);
      const lines = manifestOfDirectory(mount.root).filter((line) => !isLostFound(line));
      expect(withTimesOf(lines, theirs), what.name).toEqual(theirs);
      expect(kernelComplaints(mount.device)).toEqual([]);
    }
  },
);

const isLostFound = (line: string): boolean => line.startsWith("/lost+found|");

async function writeExt4(path: string, { layers }: LayoutImage): Promise<void> {
  using storage = new FileStorage(path, "create");
  const warn = (): void => undefined;
  const writer = createExt4(storage, { journal: true, uuid: new Uint8Array(16).fill(7), warn });
  const tree = new Tree();
  await unpackLayers(
    layers.map((bytes, i) => tarLayer(`layer ${i}`, bytes)),
    { tree, sink: writer.sink, warn, play: (layer, visitor) => layer.play(visitor) },
  );
  writer.finish(tree);
}

/** By hand: an image of layers of entries, the lowest first. */
const image = (name: string, ...layers: readonly (readonly Uint8Array[])[]): LayoutImage => ({
  name,
  layers: layers.map((parts) => archive(...parts)),
});

/** A name and what it is with its attributes, without owners and times. */
const brief = (lines: readonly string[]): string[] =>
  lines.slice(1).map((line) => {
    const [path, kind, mode, , , contents = "", target, , ...rest] = line.split("|");
    const to = target === "" ? "" : `-> ${target}`;
    return [path, kind, mode, contents.split(" ")[0], to, ...rest]
      .filter((word) => word !== "")
      .join(" ");
  });

/** What `unpack` gives, or that it fails. */
async function orError(unpack: () => string[] | Promise<string[]>): Promise<string[]> {
  try {
    return brief(await unpack());
  } catch {
    return ["error"];
  }
}

/** What all three make of an image. */
async function allThree(
  what: LayoutImage,
): Promise<Record<"wick" | "umoci" | "containerd", string[]>> {
  const layout = temporaryDirectory();
  writeLayout(layout, [what]);
  return {
    wick: await orError(() => ours(what)),
    umoci: await orError(() => byUmoci(layout, what.name)),
    containerd: await orError(() => {
      containerd!.import(packed(layout));
      return manifestOfDirectory(containerd!.snapshot(chainId(what.layers)));
    }),
  };
}

test.skipIf(!isRoot)(
  "case 37: a directory over a symlink to a directory replaces it, as in both tools",
  async () => {
    const lower = [directory("t/"), file("t/x", "1"), symlink("l", "t")];
    const found = await allThree(image("case-37", lower, [directory("l/"), file("l/y", "22")]));
    const expected = ["/l directory 755", "/l/y file 644 2", "/t directory 755", "/t/x file 644 1"];
    expect(found).toEqual({ wick: expected, umoci: expected, containerd: expected });
  },
);

test.skipIf(!isRoot)(
  "cases 38, 45, 46: parents that are symlinks, and hard links over layers, as in both tools",
  async () => {
    const lower = [directory("t/"), file("t/x", "1"), symlink("abs", "/t"), symlink("rel", "./t")];
    const names = [file("t/a", "22"), hardLink("t/b", "t/a"), file("t/c", "333")];
    const upper = [file("abs/y", "4444"), file("rel/a", "55555"), hardLink("d", "abs/c")];
    const found = await allThree(
      image("case-38", [...lower, ...names], [...upper, file("t/.wh.c")]),
    );
    const expected = [
      "/abs symlink 777 -> /t",
      "/d file 644 3",
      "/rel symlink 777 -> ./t",
      "/t directory 755",
      "/t/a file 644 5",
      "/t/b file 644 2",
      "/t/x file 644 1",
      "/t/y file 644 4",
    ];
    expect(found).toEqual({ wick: expected, umoci: expected, containerd: expected });
  },
);

test.skipIf(!isRoot)(
  "case 50: a whiteout behind what its own layer has made: as umoci has it and the specification, not containerd",
  async () => {
    const found = await allThree(
      image("case-50", [file("x", "1")], [file("x", "22"), file(".wh.x")]),
    );
    const kept = ["/x file 644 2"];
    expect(found).toEqual({ wick: kept, umoci: kept, containerd: [] });
  },
);

test.skipIf(!isRoot)(
  "a hard link's own header changes nothing of its file: as umoci and GNU tar have it, not containerd",
  async () => {
    const link = header({ name: "b", typeflag: "1", linkname: "a", mode: 0o600 });
    const found = await allThree(image("links", [file("a", "1"), link], [file("c")]));
    const kept = ["/a file 644 1", "/b file 644 1 = /a", "/c file 644 0"];
    const changed = ["/a file 600 1", "/b file 600 1 = /a", "/c file 644 0"];
    expect(found).toEqual({ wick: kept, umoci: kept, containerd: changed });
  },
);

test.skipIf(!isRoot)(
  "case 34: a directory described anew loses its old attributes, as in umoci, not containerd",
  async () => {
    const described = [pax([["SCHILY.xattr.user.x", "v"]]), directory("d/")];
    const found = await allThree(image("attributes", described, [directory("d/")]));
    const kept = ["/d directory 755 user.x=76"];
    expect(found).toEqual({
      wick: ["/d directory 755"],
      umoci: ["/d directory 755"],
      containerd: kept,
    });
  },
);

test.skipIf(!isRoot)(
  "case 25: a path out of the root is an error, where both tools stay inside",
  async () => {
    const found = await allThree(image("outside", [file("a"), file("../b", "1")]));
    const inside = ["/a file 644 0", "/b file 644 1"];
    expect(found).toEqual({ wick: ["error"], umoci: inside, containerd: inside });
  },
);

test.skipIf(!isRoot)(
  "a file in the place of a parent directory is an error, as in containerd",
  async () => {
    const found = await allThree(image("parent", [file("a")], [file("a/b", "1")]));
    // Newer versions of umoci put a directory in its place.
    expect(found).toMatchObject({ wick: ["error"], containerd: ["error"] });
  },
);

test.skipIf(!isRoot)(
  "case 56: AUFS' own names are left out, which the tools of today take for whiteouts and parents",
  async () => {
    const meta = [file(".wh..wh.aufs"), directory(".wh..wh.plnk/"), file(".wh..wh.plnk/1.2", "x")];
    const found = await allThree(image("case-56", [...meta, file("a", "1")]));
    const tools = ["/.wh..wh.plnk directory 755", "/.wh..wh.plnk/1.2 file 644 1", "/a file 644 1"];
    expect(found.wick).toEqual(["/a file 644 1"]);
    expect(found).toMatchObject({ umoci: tools, containerd: tools });
  },
);

test.skipIf(!isRoot)(
  "both comparisons see a layer in which one byte of a file is another",
  async () => {
    const what = image("damaged", [file("a", "one"), file("b", "1")], [file("b", "2")]);
    const layout = temporaryDirectory();
    writeLayout(layout, [what]);
    containerd!.import(packed(layout));
    const umoci = byUmoci(layout, what.name);
    const theirs = manifestOfDirectory(containerd!.snapshot(chainId(what.layers)));
    const lower = Buffer.from(what.layers[0]!);
    lower.write("onf", lower.indexOf("one"));
    const damaged = await ours({ ...what, layers: [lower, what.layers[1]!] });
    for (const lines of [umoci, theirs]) {
      const wrong = damaged.filter((line) => !lines.includes(line) && !line.startsWith("/|"));
      expect(wrong.map((line) => line.split("|")[0])).toEqual(["/a"]);
    }
  },
);

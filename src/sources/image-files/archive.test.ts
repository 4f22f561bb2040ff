import { execFileSync } from "node:child_process";
import { linkSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeEach, expect, test } from "vitest";
import {
  blobPath,
  digestOf,
  json,
  layoutFiles,
  makeImage,
  packFiles,
  plainLayer,
  sampleLayers,
  savedFiles,
  writeFiles,
} from "../../../test/support/image-builder.ts";
import { opened, treeOf, unpacked } from "../../../test/support/image-tree.ts";
import { archive, file, header } from "../../../test/support/tar-builder.ts";
import { temporaryDirectory } from "../../../test/support/temporary-directory.ts";
import { mediaTypes } from "../../formats/oci/index.ts";

let root: string;
const at = (name: string): string => join(root, name);
const put = (name: string, bytes: Uint8Array): void => writeFileSync(at(name), bytes);
beforeEach(() => void (root = temporaryDirectory()));

const tree = async (source: string): Promise<string[]> => {
  const { lines } = await treeOf(source, { cache: at("cache"), cwd: root });
  return lines.map((line) => line.split("|")[0]!);
};
const failing = (code: string, message: RegExp | string, hint: RegExp = /^/) => ({
  code,
  message: expect.stringMatching(message),
  ...(hint.source !== "^" && { hint: expect.stringMatching(hint) }),
});

test("a layout's image is chosen by its tag, or is the only one", async () => {
  const other = makeImage([plainLayer(archive(file("other")))]);
  const index = [["v1", makeImage()] as const, ["v2", other] as const, ["latest", other] as const];
  writeFiles(at("l"), layoutFiles(index));
  expect(await tree("oci:l:v1")).toEqual(["/", "/b", "/c", "/etc"]);
  expect(await tree("oci:l:v2")).toEqual(["/", "/other"]);
  await expect(tree("oci:l")).rejects.toMatchObject(
    failing("USAGE", /holds 2 images/, /v1, v2, latest/),
  );
  await expect(tree("oci:l:v3")).rejects.toMatchObject(
    failing("SOURCE_NOT_FOUND", /it holds v1, v2, latest, wanted "v3"/),
  );
  writeFiles(at("two-names"), layoutFiles(index.slice(1)));
  expect(await tree("oci:two-names")).toEqual(["/", "/other"]);
});

test("platforms side by side in a layout's index are chosen from, attestations passed over", async () => {
  const foreign = { os: "linux", architecture: "s390x" };
  const own = { os: "linux", architecture: process.arch === "arm64" ? "arm64" : "amd64" };
  const attestation = { os: "unknown", architecture: "unknown" };
  const other = makeImage([plainLayer(archive(file("other")))]);
  const files = layoutFiles([
    [undefined, other, { platform: foreign }],
    [undefined, makeImage([plainLayer(archive(file("x")))]), { platform: attestation }],
    [undefined, makeImage(), { platform: own }],
  ]);
  writeFiles(at("l"), files);
  expect(await tree("oci:l")).toEqual(["/", "/b", "/c", "/etc"]);
});

test("R8: indexes may be nested twice and not more", async () => {
  const image = makeImage();
  let inner = image.manifest;
  for (let level = 1; level <= 3; level++) {
    const bytes = json({ schemaVersion: 2, manifests: [inner] });
    inner = { mediaType: mediaTypes.ociIndex, digest: digestOf(bytes), size: bytes.length };
    (image.files as Map<string, Uint8Array>).set(blobPath(inner.digest), bytes);
    const files = layoutFiles([["v1", { ...image, manifest: inner }]]);
    rmSync(at("l"), { recursive: true, force: true });
    writeFiles(at("l"), files);
    if (level <= 2) expect(await tree("oci:l")).toContain("/c");
  }
  await expect(tree("oci:l")).rejects.toMatchObject(failing("IMAGE_INVALID", /within indexes/));
});

test("an image for another machine is refused with the option that takes it", async () => {
  const config = { architecture: process.arch === "arm64" ? "amd64" : "arm64" };
  writeFiles(at("l"), layoutFiles([["v1", makeImage(sampleLayers(), { config })]]));
  put("d.tar", packFiles(savedFiles(makeImage(sampleLayers(), { config }))));
  for (const source of ["oci:l", "docker-archive:d.tar"]) {
    await expect(tree(source)).rejects.toMatchObject(
      failing("UNSUPPORTED", /it is for linux/, /--platform linux\//),
    );
  }
});

test("A10: a blob that is a link, a FIFO, a device or a directory is refused, and does not hang", async () => {
  const image = makeImage();
  for (const descriptor of [image.manifest, image.config, image.layers[0]!]) {
    const directory = temporaryDirectory();
    const path = join(directory, blobPath(descriptor.digest));
    for (const make of [
      () => symlinkSync(`${path}.real`, path),
      () => symlinkSync("/etc/passwd", path),
      () => execFileSync("mkfifo", [path]),
      () => symlinkSync("/dev/zero", path),
      () => execFileSync("mkdir", [path]),
    ]) {
      writeFiles(directory, layoutFiles([["v1", image]]));
      renameSync(path, `${path}.real`);
      make();
      await expect(tree(`oci:${directory}`)).rejects.toMatchObject(
        failing("SOURCE_FAILED", /no regular file/),
      );
      rmSync(path, { recursive: true });
    }
  }
  for (const name of ["index.json", "oci-layout"]) {
    const directory = temporaryDirectory();
    writeFiles(directory, layoutFiles([["v1", image]]));
    rmSync(join(directory, name));
    execFileSync("mkfifo", [join(directory, name)]);
    await expect(tree(`oci:${directory}`)).rejects.toMatchObject({ code: "SOURCE_FAILED" });
  }
});

test("A10: a hard link is a file as any other, and a layout may itself be reached by a link", async () => {
  const image = makeImage();
  writeFiles(at("l"), layoutFiles([["v1", image]]));
  linkSync(at(`l/${blobPath(image.config.digest)}`), at("another-name"));
  symlinkSync("l", at("link"));
  expect(await tree("oci:link")).toContain("/c");
});

test("a layout that lacks something says what", async () => {
  const image = makeImage();
  for (const [name, message] of [
    ["oci-layout", /it has no oci-layout/],
    ["index.json", /it has no index.json/],
    [blobPath(image.config.digest), /it has no blobs/],
    [blobPath(image.layers[1]!.digest), /layer 2 of oci:.* is not in/],
  ] as const) {
    const directory = temporaryDirectory();
    writeFiles(directory, layoutFiles([["v1", image]]));
    rmSync(join(directory, name));
    await expect(tree(`oci:${directory}`), name).rejects.toMatchObject(
      failing("IMAGE_INVALID", message),
    );
  }
  await expect(tree("oci:none")).rejects.toMatchObject(failing("SOURCE_NOT_FOUND", /no such dir/));
  put("x.tar", packFiles(layoutFiles([["v1", image]])));
  await expect(tree("oci:x.tar")).rejects.toMatchObject(
    failing("SOURCE_NOT_FOUND", /no directory/, /oci-archive:/),
  );
});

test("docker save's old form: links between layers, compressed layers, the archive compressed", async () => {
  const image = makeImage();
  const files = savedFiles(image);
  const hex = image.config.digest.slice(7);
  const link = header({ name: "l/layer.tar", typeflag: "2", linkname: "../1/layer.tar" });
  const hard = header({ name: "h/layer.tar", typeflag: "1", linkname: "0/layer.tar" });
  const Layers = ["h/layer.tar", "l/layer.tar"];
  files.set("manifest.json", json([{ Config: `${hex}.json`, RepoTags: null, Layers }]));
  put("d.tar", packFiles(files, hard, link));
  put("d.tar.gz", gzipSync(packFiles(files, hard, link)));
  for (const source of ["docker-archive:d.tar", "docker-archive:d.tar.gz", "./d.tar"]) {
    expect(await tree(source), source).toEqual(["/", "/b", "/c", "/etc"]);
  }
});

test("an archive's image is chosen by its name, in any form that means the same", async () => {
  const [one, two] = [makeImage(), makeImage([plainLayer(archive(file("two")))])];
  const files = new Map([...savedFiles(one), ...savedFiles(two)]);
  const item = (image: typeof one, tag: string, layers: string[]) => ({
    Config: `${image.config.digest.slice(7)}.json`,
    RepoTags: [tag],
    Layers: layers,
  });
  files.set("two/layer.tar", savedFiles(two).get("0/layer.tar")!);
  files.set("0/layer.tar", savedFiles(one).get("0/layer.tar")!);
  const items = [
    item(one, "app:1", ["0/layer.tar", "1/layer.tar"]),
    item(two, "reg.io/x:2", ["two/layer.tar"]),
  ];
  files.set("manifest.json", json(items));
  put("d.tar", packFiles(files));
  expect(await tree("docker-archive:d.tar:app:1")).toContain("/c");
  expect(await tree("docker-archive:d.tar:docker.io/library/app:1")).toContain("/c");
  expect(await tree("docker-archive:d.tar:reg.io/x:2")).toEqual(["/", "/two"]);
  await expect(tree("docker-archive:d.tar")).rejects.toMatchObject(
    failing("USAGE", /holds 2 images/, /app:1, reg.io\/x:2/),
  );
  await expect(tree("docker-archive:d.tar:app:2")).rejects.toMatchObject({
    code: "SOURCE_NOT_FOUND",
  });
});

test("A9: names and links that lead out of an archive are refused; nothing of the host is read", async () => {
  const image = makeImage();
  const hex = image.config.digest.slice(7);
  const saved = (Config: string, layer: string): Uint8Array => {
    const files = savedFiles(image);
    files.set("manifest.json", json([{ Config, Layers: ["0/layer.tar", layer] }]));
    const links = ["../../etc/passwd", "/etc/passwd", "../l3/layer.tar", "../l2/layer.tar"];
    return packFiles(
      files,
      ...links.map((linkname, index) =>
        header({ name: `l${index}/layer.tar`, typeflag: "2", linkname }),
      ),
      header({ name: "hard/layer.tar", typeflag: "1", linkname: "../etc/passwd" }),
      header({ name: "fifo/layer.tar", typeflag: "6" }),
    );
  };
  for (const [layer, code] of [
    ["../../etc/passwd", "PATH_ESCAPES"],
    ["/etc/passwd", "PATH_ESCAPES"],
    ["0/../../etc/passwd", "PATH_ESCAPES"],
    ["l0/layer.tar", "PATH_ESCAPES"],
    ["l1/layer.tar", "PATH_ESCAPES"],
    ["hard/layer.tar", "PATH_ESCAPES"],
    ["l2/layer.tar", "PATH_LOOP"],
    ["fifo/layer.tar", "ARCHIVE_INVALID"],
    ["none/layer.tar", "IMAGE_INVALID"],
  ] as const) {
    put("d.tar", saved(`${hex}.json`, layer));
    await expect(tree("docker-archive:d.tar"), layer).rejects.toMatchObject({ code });
  }
  put("d.tar", saved("../../etc/passwd", "1/layer.tar"));
  await expect(tree("docker-archive:d.tar")).rejects.toMatchObject({ code: "PATH_ESCAPES" });
});

test("A9: a second manifest.json, config or layer of the same name is refused", async () => {
  const image = makeImage();
  const files = savedFiles(image);
  for (const name of ["manifest.json", "./manifest.json", "1/layer.tar", "1//layer.tar"]) {
    put("d.tar", packFiles(files, file(name, "[]")));
    await expect(tree("docker-archive:d.tar"), name).rejects.toMatchObject(
      failing("ARCHIVE_INVALID", /twice/),
    );
  }
  put("o.tar", packFiles(layoutFiles([["v1", image]]), file("index.json", "{}")));
  await expect(tree("oci-archive:o.tar")).rejects.toMatchObject(
    failing("ARCHIVE_INVALID", /twice/),
  );
});

test("an archive of the other kind, or of none, says what it is for", async () => {
  put("o.tar", packFiles(layoutFiles([["v1", makeImage()]])));
  put("d.tar", packFiles(savedFiles(makeImage())));
  put("t.tar", archive(file("x")));
  for (const [source, hint] of [
    ["docker-archive:o.tar", /oci-archive:/],
    ["oci-archive:d.tar", /docker-archive:/],
    ["docker-archive:t.tar", /tar:/],
    ["oci-archive:t.tar", /tar:/],
  ] as const) {
    await expect(tree(source), source).rejects.toMatchObject(
      failing("IMAGE_INVALID", /it has no/, hint),
    );
  }
  await expect(tree("docker-archive:none.tar")).rejects.toMatchObject({ code: "SOURCE_NOT_FOUND" });
  put("cut.tar", packFiles(savedFiles(makeImage())).subarray(0, 1200));
  put("empty.tar", new Uint8Array(0));
  for (const broken of ["cut.tar", "empty.tar"]) {
    await expect(tree(`docker-archive:${broken}`)).rejects.toMatchObject({
      code: "ARCHIVE_INVALID",
      message: expect.stringContaining(broken),
    });
  }
});

test("a tar file by its path alone: an image where it is one, else a root file system", async () => {
  put("o.tar", packFiles(layoutFiles([["v1", makeImage()]])));
  put("d.tar.gz", gzipSync(packFiles(savedFiles(makeImage()))));
  put("rootfs.tar", archive(header({ name: "./", typeflag: "5" }), file("./etc-file")));
  // Begins as an image does, and is none.
  put("blobs.tar", archive(file("blobs/x"), file("y")));
  put("blobs.tar.gz", gzipSync(archive(file("blobs/x"), file("y"))));
  expect(await tree("./o.tar")).toContain("/c");
  expect(await tree("./d.tar.gz")).toContain("/c");
  expect(await tree("./rootfs.tar")).toEqual(["/", "/etc-file"]);
  for (const source of ["./blobs.tar", "./blobs.tar.gz"]) {
    expect(await tree(source)).toEqual(["/", "/blobs", "/blobs/x", "/y"]);
  }
  expect(await tree("tar:o.tar")).toContain("/index.json");
  expect(readdirSync(at("cache/tmp")).filter((name) => name.endsWith(".spool"))).toEqual([]);
});

test("an uncompressed archive is read where it lies: what is compressed goes with its release", async () => {
  put("d.tar", packFiles(savedFiles(makeImage())));
  put("d.tar.gz", gzipSync(packFiles(savedFiles(makeImage()))));
  const spools = (): string[] =>
    execFileSync("find", [root, "-name", "*.spool"]).toString().split("\n").filter(Boolean);
  const inPlace = await opened("docker-archive:d.tar", { cache: at("cache"), cwd: root });
  expect(spools()).toEqual([]);
  const copied = await opened("docker-archive:d.tar.gz", { cache: at("cache"), cwd: root });
  expect(spools()).toHaveLength(1);
  expect(await unpacked(copied)).toEqual(await unpacked(inPlace));
  copied.release?.();
  expect(spools()).toEqual([]);
});

test("one byte changed in any file of any shape is an error, or changes nothing of the tree", async () => {
  const image = makeImage();
  const layout = layoutFiles([["v1", image]]);
  const Layers = image.layers.map(({ digest }) => blobPath(digest));
  const item = { Config: blobPath(image.config.digest), RepoTags: null, Layers };
  // As docker save has written it since 25.
  const newer = new Map([...layout, ["manifest.json", json([item])]]);
  const shapes = { "oci-archive": layout, "docker-archive": savedFiles(image), newer } as const;
  for (const [kind, files] of Object.entries(shapes)) {
    for (const [name, bytes] of files) {
      if (!/layer|blobs|[0-9a-f]{64}/.test(name)) continue;
      for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 11)) {
        const other = Uint8Array.from(bytes);
        other[at]! ^= 1;
        put("x.tar", packFiles(new Map([...files, [name, other]])));
        const source = `${kind === "newer" ? "docker-archive" : kind}:x.tar`;
        const isUsed = kind !== "newer" || name !== blobPath(image.manifest.digest);
        const outcome = expect(tree(source), `${name} at ${at} of ${kind}`);
        if (!isUsed) await outcome.resolves.toContain("/c");
        else if (kind === "docker-archive" && name === "0/layer.tar") {
          await outcome.rejects.toMatchObject({
            code: expect.stringMatching(/^(DIGEST_MISMATCH|COMPRESSION_INVALID)$/),
          });
        } else await outcome.rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
      }
    }
  }
});

test("fuzz: an archive whose documents are changed is the same image or an error of wick's", async () => {
  const files = savedFiles(makeImage());
  const layout = layoutFiles([["v1", makeImage()]]);
  for (let turn = 0; turn < 120; turn++) {
    const from = turn % 2 === 0 ? files : layout;
    const names = [...from.keys()].filter((name) => !name.endsWith("layer.tar"));
    const name = names[turn % names.length]!;
    const bytes = Uint8Array.from(from.get(name)!);
    const position = (turn * 7919) % bytes.length;
    bytes[position] = (bytes[position]! + 1 + (turn % 254)) & 0xff;
    put("x.tar", packFiles(new Map([...from, [name, bytes]])));
    const kind = turn % 2 === 0 ? "docker-archive" : "oci-archive";
    try {
      expect(await tree(`${kind}:x.tar`)).toEqual(["/", "/b", "/c", "/etc"]);
    } catch (error) {
      expect(error, String((error as Error).stack)).toMatchObject({ code: expect.any(String) });
    }
  }
});

/** Images that mean harm: what they unpack to, what they are packed with, what lies beside them. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, expect, test } from "vitest";
import { mediaTypes } from "../../src/formats/oci/index.ts";
import { mainFile, wick, type CliOptions, type CliResult } from "../support/cli.ts";
import {
  blobPath,
  layoutFiles,
  makeImage,
  type MadeLayer,
  packFiles,
  savedFiles,
  writeFiles,
} from "../support/image-builder.ts";
import { archive, file, header } from "../support/tar-builder.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { watched } from "../support/watched.ts";

const MiB = 1 << 20;
let root: string;
const at = (name: string): string => join(root, name);
beforeEach(() => {
  root = temporaryDirectory();
  mkdirSync(at("out"));
});

const zstd = (plain: Uint8Array, ...options: string[]): MadeLayer => ({
  plain,
  stored: execFileSync("zstd", ["-q", "-c", ...options], { input: plain, maxBuffer: 1 << 30 }),
  mediaType: mediaTypes.ociLayerZstd,
});

/** Builds `oci:l` of these layers; the store is the test's own. */
async function build(layers: MadeLayer[], words: string[] = [], options: CliOptions = {}) {
  writeFiles(at("l"), layoutFiles([["v1", makeImage(layers)]]));
  const all = ["build", "--init", "none", ...words, `oci:${at("l")}`, "-o", at("out/x.ext4")];
  const env = { WICK_CACHE: at("cache"), XDG_CACHE_HOME: at("cache"), ...options.env };
  const { result, peak } = await watched(all, { ...options, env });
  return { ...result, peak };
}

/** It failed with this code, and left nothing. */
function expectRefused({ status, stderr }: CliResult, code: string): void {
  expect(status, stderr).toBe(1);
  expect(stderr).toContain(`[${code}]`);
  expect(readdirSync(at("out"))).toEqual([]);
  const spools = execFileSync("find", [root, "-name", "*.spool"], { encoding: "utf8" });
  expect(spools).toBe("");
}

/** 256 MiB that say they are the first of 64 GiB; zstd makes a few KiB of them. */
function bomb(): Uint8Array {
  const size = Buffer.alloc(12);
  size[0] = 0x80; // base-256: GNU tar's form of sizes over 8 GiB
  size.writeBigUInt64BE(64n << 30n, 4);
  return Buffer.concat([
    header({ name: "bomb", size, format: "gnu" }),
    Buffer.alloc(256 * MiB, "x"),
  ]);
}

test("A1: a few KiB that say they are 64 GiB stop at the image's size, in little memory", async () => {
  const layer = zstd(bomb());
  expect(layer.stored.length).toBeLessThan(64 << 10);
  const result = await build([layer], ["--size", "64m"]);
  expectRefused(result, "IMAGE_TOO_SMALL");
  expect(result.peak).toBeGreaterThan(20 * MiB);
  expect(result.peak).toBeLessThan(200 * MiB);
});

const canMount = process.getuid?.() === 0;
test.skipIf(!canMount)(
  "A1: without a size they stop where the disk is full, and leave nothing",
  async () => {
    const mount = 'mount -t tmpfs -o size=48m tmpfs "$0" && exec "$@"';
    const prefix = ["unshare", "-m", "sh", "-c", mount, at("out")];
    expectRefused(await build([zstd(bomb())], [], { prefix }), "DISK_FULL");
  },
);

test("A2: a layer that needs a window over 128 MiB is refused with the bound", async () => {
  const plain = archive(file("x", Buffer.alloc(300 * MiB)));
  const result = await build([zstd(plain, "--long=28")]);
  expectRefused(result, "COMPRESSION_INVALID");
  expect(result.stderr).toContain("wanted at most 134217728");
});

test("A9: an archive that names the host's files is refused, compressed or not", async () => {
  const files = savedFiles(makeImage());
  const item = { Config: "../../etc/passwd", Layers: ["../../etc/shadow"] };
  files.set("manifest.json", Buffer.from(JSON.stringify([item])));
  writeFileSync(at("d.tar"), packFiles(files));
  execFileSync("gzip", ["-k", at("d.tar")]);
  for (const name of ["d.tar", "d.tar.gz"]) {
    const words = ["build", "--init", "none", `docker-archive:${at(name)}`, "-o", at("out/x.ext4")];
    const env = { WICK_CACHE: at("cache"), XDG_CACHE_HOME: at("cache") };
    const result = await wick(words, { env });
    expectRefused(result, "PATH_ESCAPES");
    expect(result.stderr).toContain("../../etc/passwd");
  }
});

test("A15: programs in the working directory, in relative entries of PATH and in the image are not run", async () => {
  const programs = ["zstd", "igzip", "gzip", "xz", "node", "flock", "sh"];
  const planted = `#!/bin/sh\n: > ${at("was-run")}\nexit 1\n`;
  mkdirSync(at("cwd/bin"), { recursive: true });
  for (const name of programs) {
    for (const directory of ["cwd", "cwd/bin"]) {
      writeFileSync(at(`${directory}/${name}`), planted, { mode: 0o755 });
    }
  }
  const tree = programs.map((name) => file(`usr/bin/${name}`, planted, { mode: 0o755 }));
  const env = { PATH: `.:bin::${process.env["PATH"]}` };
  const result = await build([zstd(archive(...tree))], [], { cwd: at("cwd"), env });
  expect(result.status, result.stderr).toBe(0);
  expect(existsSync(at("was-run"))).toBe(false);
});

test("one changed byte of a layer, and nothing is built or kept", async () => {
  const image = makeImage();
  const files = layoutFiles([["v1", image]]);
  const path = blobPath(image.layers[0]!.digest);
  const bytes = Uint8Array.from(files.get(path)!);
  bytes[bytes.length >> 1]! ^= 1;
  files.set(path, bytes);
  writeFiles(at("damaged"), files);
  writeFileSync(at("damaged.tar"), packFiles(files));
  execFileSync("gzip", ["-k", at("damaged.tar")]);
  const env = { WICK_CACHE: at("cache"), XDG_CACHE_HOME: at("cache") };
  for (const source of ["oci:damaged", "oci-archive:damaged.tar", "./damaged.tar.gz"]) {
    const words = ["build", "--init", "none", source, "-o", at("out/x.ext4")];
    expectRefused(await wick(words, { env, cwd: root }), "DIGEST_MISMATCH");
    const kept = execFileSync("find", [at("cache"), "-name", "*.json"], { encoding: "utf8" });
    expect(kept).toBe("");
  }
});

test("interrupted in the middle of an archive from a pipe, nothing of it stays", async () => {
  mkdirSync(at("cache/tmp"), { recursive: true, mode: 0o700 });
  const words = ["build", "--init", "none", "docker-archive:-", "-o", at("out/x.ext4")];
  const env = { ...process.env, WICK_CACHE: at("cache"), XDG_CACHE_HOME: at("cache") };
  const child = spawn(process.execPath, [mainFile, ...words], {
    env,
    stdio: ["pipe", "ignore", "pipe"],
  });
  child.stdin.write(packFiles(savedFiles(makeImage())).subarray(0, 1024));
  const spooled = (): string[] =>
    readdirSync(at("cache/tmp")).filter((name) => name.endsWith(".spool"));
  while (spooled().length === 0) await sleep(20);
  const ended = once(child, "exit");
  child.kill("SIGINT");
  expect(await ended).toEqual([130, null]);
  child.stdin.destroy();
  expect(spooled()).toEqual([]);
  expect(readdirSync(at("out"))).toEqual([]);
});

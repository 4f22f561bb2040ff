/**
 * The same build again, against `cp` of its image, in turn: to the output that is there already,
 * and to another one. Run by hand, after `npm run build`:
 *
 *   node bench/build-again.mjs [SOURCE] [--rounds N]
 *
 * SOURCE is an image (`oci:LAYOUT:TAG`, a registry's name); without one, an OCI layout of 400 MB
 * in four layers is made. Prints a Markdown table; the last one is kept in docs/performance.md.
 */
import { execFileSync } from "node:child_process";
import { createCipheriv, createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { contend, numberOption, printTable } from "./contend.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const rounds = numberOption("--rounds", 5);
const given = process.argv[2]?.startsWith("--") === false ? process.argv[2] : undefined;
const work = mkdtempSync(join(tmpdir(), "wick-bench-"));
const out = (name) => join(work, name);

const LAYERS = 4;
const LAYER_BYTES = 100e6;

/** Bytes that no file system shrinks, the same every time. */
function noise(length, seed) {
  const key = createHash("md5").update(`${seed}`).digest();
  return createCipheriv("aes-128-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(length));
}

function makeLayout() {
  const layout = out("layout");
  const blobs = join(layout, "blobs", "sha256");
  mkdirSync(blobs, { recursive: true });
  const put = (kind, bytes) => {
    const hex = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(blobs, hex), bytes);
    const mediaType = `application/vnd.oci.image.${kind}`;
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const layers = Array.from({ length: LAYERS }, (_, i) => {
    const directory = out(`layer${i}`);
    mkdirSync(directory);
    writeFileSync(join(directory, `file${i}`), noise(LAYER_BYTES, i));
    const tar = execFileSync("tar", ["-cC", directory, "."], { maxBuffer: 2 * LAYER_BYTES });
    rmSync(directory, { recursive: true });
    return put("layer.v1.tar", tar);
  });
  const architecture = process.arch === "arm64" ? "arm64" : "amd64";
  const rootfs = { type: "layers", diff_ids: layers.map(({ digest }) => digest) };
  const json = (value) => Buffer.from(JSON.stringify(value));
  const config = put("config.v1+json", json({ architecture, os: "linux", config: {}, rootfs }));
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const document = { schemaVersion: 2, mediaType, config, layers };
  const manifest = put("manifest.v1+json", json(document));
  const annotations = { "org.opencontainers.image.ref.name": "bench" };
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  writeFileSync(join(layout, "index.json"), json(index));
  writeFileSync(join(layout, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
  return `oci:${layout}:bench`;
}

try {
  const source = given ?? makeLayout();
  const main = `${root}dist/bin/wick.cjs`;
  const build = (output) =>
    `WICK_CACHE=${out("cache")} ${process.execPath} "${main}" build --quiet --init none -o ${output} ${source}`;
  execFileSync("sh", ["-c", build(out("first.ext4"))]);
  const commands = {
    "wick build, the output is there": build(out("first.ext4")),
    "cp --sparse=auto": `cp --sparse=auto ${out("first.ext4")} ${out("copy.ext4")}`,
    "cp --sparse=auto; sync FILE": `cp --sparse=auto ${out("first.ext4")} ${out("copy.ext4")}; sync ${out("copy.ext4")}`,
    "wick build, another output": build(out("second.ext4")),
  };
  const outputs = ["copy.ext4", "second.ext4"].map(out);
  const results = await contend(commands, { rounds, outputs });
  const { size, blocks } = statSync(out("first.ext4"));
  console.log(
    `Image: ${Math.round(size / 1e6)} MB, ${Math.round((blocks * 512) / 1e6)} MB on disk.`,
  );
  printTable(results, rounds);
} finally {
  rmSync(work, { recursive: true, force: true });
}

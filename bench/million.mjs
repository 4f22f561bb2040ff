/**
 * Very many files: time and memory of writing N empty and small files into an ext4 image, as
 * one layer and as four layers of which each replaces a tenth of what is below. By hand, after
 * `npm run build`:
 *
 *   node bench/million.mjs [N …]
 *
 * Without numbers: 250,000, 500,000 and 1,000,000. Each runs in a process of its own.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PER_DIRECTORY = 1000;
const BLOCK = 512;
/** Headers given to the reader at once. */
const BATCH = 512;

/** A header like that of GNU tar for `name`; the contents follow in a block of their own. */
function writeHeader(block, name, { typeflag, size, mode }) {
  block.fill(0);
  block.write(name, 0, 100, "latin1");
  block.write(`${mode}\0`, 100);
  block.write("0000000\0", 108);
  block.write("0000000\0", 116);
  block.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  block.write("14000000000\0", 136);
  block.write("        ", 148);
  block.write(typeflag, 156);
  block.write("ustar\x0000", 257);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
}

/** Files `from` to `to`, of which each fourth has contents. */
function* tarOf(from, to) {
  const batch = Buffer.alloc(BATCH * BLOCK);
  let used = 0;
  const add = (name, fields, contents) => {
    writeHeader(batch.subarray(used, used + BLOCK), name, fields);
    used += BLOCK;
    if (contents === undefined) return;
    batch.fill(0, used, used + BLOCK);
    batch.write(contents, used);
    used += BLOCK;
  };
  for (let i = from; i < to; i++) {
    const directory = `usr/share/things/d${Math.floor(i / PER_DIRECTORY)}`;
    const plain = { typeflag: "0", size: 0, mode: "0000644" };
    if (i % PER_DIRECTORY === 0) add(`${directory}/`, { ...plain, typeflag: "5", mode: "0000755" });
    const name = `${directory}/a-file-of-that-kind-${i}.txt`;
    if (i % 4 === 0) add(name, { ...plain, size: 9 }, `${i}`.padStart(9));
    else add(name, plain);
    if (used + 4 * BLOCK <= batch.length) continue;
    yield batch.subarray(0, used);
    used = 0;
  }
  batch.fill(0, used, used + 2 * BLOCK);
  yield batch.subarray(0, used + 2 * BLOCK);
}

function layerOf(TarReader, name, from, to) {
  return {
    name,
    whiteouts: "oci",
    async play(visitor) {
      const reader = new TarReader(visitor);
      for (const bytes of tarOf(from, to)) reader.push(bytes);
      reader.end();
    },
  };
}

async function run(count, layerCount, output) {
  const from = (room) => import(new URL(`../dist/${room}/index.js`, import.meta.url));
  const { createExt4 } = await from("formats/ext4");
  const { TarReader } = await from("formats/tar");
  const { FileStorage } = await from("host");
  const { Tree, unpackLayers } = await from("tree");
  const start = performance.now();
  const storage = new FileStorage(output, "create");
  const warn = (message) => console.error(message);
  const writer = createExt4(storage, { journal: false, uuid: new Uint8Array(16), warn });
  const tree = new Tree();
  const share = Math.ceil(count / layerCount);
  const layers = Array.from({ length: layerCount }, (_, i) => {
    const first = Math.max(0, i * share - Math.floor((i * share) / 10));
    return layerOf(TarReader, `layer ${i}`, first, Math.min(count, (i + 1) * share));
  });
  const summary = await unpackLayers(layers, {
    tree,
    sink: writer.sink,
    warn,
    play: (layer, visitor) => layer.play(visitor),
  });
  const unpacked = performance.now();
  writer.finish(tree);
  storage[Symbol.dispose]();
  const seconds = (ms) => (ms / 1000).toFixed(1);
  const rss = Math.round(process.resourceUsage().maxRSS / 1024);
  const times = `${seconds(unpacked - start)} | ${seconds(performance.now() - unpacked)}`;
  console.log(`| ${count} | ${layerCount} | ${times} | ${rss} | ${summary.leftOutFiles} |`);
}

const [first, ...rest] = process.argv.slice(2);
if (first === "--one") await run(Number(rest[0]), Number(rest[1]), rest[2]);
else {
  const counts = first === undefined ? [250_000, 500_000, 1_000_000] : [first, ...rest].map(Number);
  console.log("| files | layers | unpack, s | file system, s | peak RSS, MiB | left out |");
  console.log("| ----: | -----: | --------: | -------------: | ------------: | -------: |");
  const work = mkdtempSync(join(tmpdir(), "wick-bench-"));
  for (const count of counts) {
    for (const layers of [1, 4]) {
      const args = [fileURLToPath(import.meta.url), "--one", count, layers, join(work, "x.ext4")];
      spawnSync(process.execPath, args.map(String), { stdio: "inherit" });
      rmSync(join(work, "x.ext4"), { force: true });
    }
  }
  rmSync(work, { recursive: true });
}

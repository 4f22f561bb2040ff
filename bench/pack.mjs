/**
 * `wick pack` against `cp` of the same kernel, in turn: the library's call inside of one process,
 * and the whole command. Run by hand, after `npm run build`:
 *
 *   node bench/pack.mjs KERNEL INITRAMFS [--rounds N]
 *
 * wick syncs its file before it gives it its name, so there is a cp that does, too. Prints a
 * Markdown table of medians; the last one is kept in docs/performance.md.
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  closeSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pack } from "../dist/index.js";
import { numberOption } from "./contend.mjs";
import { median } from "./measure.mjs";

const [kernel, initramfs] = process.argv.slice(2);
if (initramfs === undefined || kernel.startsWith("--")) {
  throw new Error("wanted: node bench/pack.mjs KERNEL INITRAMFS [--rounds N]");
}
const rounds = numberOption("--rounds", 9);
const main = fileURLToPath(new URL("../dist/bin/wick.cjs", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "wick-bench-"));
const out = join(work, "out");

const context = { environment: {}, workingDirectory: process.cwd(), onEvent: () => undefined };

function sync(path) {
  const fd = openSync(path, "r");
  fsyncSync(fd);
  closeSync(fd);
}

/** What is measured, in the order in which it takes turns. */
const contenders = {
  "pack(), the library": () => pack({ kernel, initramfs: [initramfs], output: out }, context),
  "copy of the kernel": () => copyFileSync(kernel, out),
  "copy and sync": () => {
    copyFileSync(kernel, out);
    sync(out);
  },
  "wick pack": () =>
    execFileSync(process.execPath, [main, "pack", "--quiet", kernel, initramfs, "-o", out], {
      stdio: ["ignore", "ignore", "ignore"],
    }),
  cp: () => execFileSync("cp", [kernel, out]),
  "cp, and sync of the file": () =>
    execFileSync("sh", ["-c", 'cp "$0" "$1"; sync "$1"', kernel, out]),
};

try {
  const results = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  // Two rounds for warming up: the first calls compile the code.
  for (let round = -2; round < rounds; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      rmSync(out, { force: true });
      execFileSync("sync");
      const start = performance.now();
      await run();
      if (round >= 0) results[name].push(performance.now() - start);
    }
  }
  const ms = (name) => median(results[name]);
  const bases = [
    ms("copy of the kernel"),
    ms("copy and sync"),
    ms("cp"),
    ms("cp, and sync of the file"),
  ];
  console.log(
    `Kernel: ${(statSync(kernel).size / 2 ** 20).toFixed(1)} MiB; ${rounds} rounds in turn.\n`,
  );
  console.log("| | ms | ÷ copy | ÷ copy and sync |\n|---|---|---|---|");
  for (const [i, name] of Object.keys(contenders).entries()) {
    const [copy, synced] = i < 3 ? bases : bases.slice(2);
    const ratios = [copy, synced].map((base) => (ms(name) / base).toFixed(2));
    console.log(`| ${name} | ${ms(name).toFixed(0)} | ${ratios.join(" | ")} |`);
  }
} finally {
  rmSync(work, { recursive: true, force: true });
}

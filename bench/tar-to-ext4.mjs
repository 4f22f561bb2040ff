/**
 * tar.gz → ext4: wick against `gzip -dc > file` and against `tar -x` + `mke2fs -d`, in turn, on
 * the same input, so that the ratios hold on a busy machine. Run by hand, after `npm run build`:
 *
 *   node bench/tar-to-ext4.mjs [FILE.tar.gz] [--rounds N]
 *
 * Without a file it makes a root file system with mmdebstrap and packs it. Prints a Markdown
 * table; the last one is kept in docs/performance.md.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { measure, median } from "./measure.mjs";

/** Removed before each run, so that no contender pays for freeing what another wrote. */
const OUTPUTS = ["wick.ext4", "plain.tar", "mke2fs.ext4", "tree"];
const root = new URL("..", import.meta.url).pathname;
const args = process.argv.slice(2);
const rounds = args.includes("--rounds") ? Number(args[args.indexOf("--rounds") + 1]) : 5;
const given = args.find((arg) => arg.endsWith(".gz"));
const work = mkdtempSync(join(tmpdir(), "wick-bench-"));

/** A distribution's root file system, as people pack them: about 340 MB. */
function makeInput() {
  const file = join(work, "input.tar");
  const options = [
    "--quiet",
    "--variant=important",
    "--include=python3,nginx-light,perl-modules,git",
  ];
  const suite = execFileSync("sh", ["-c", '. /etc/os-release && printf %s "$VERSION_CODENAME"'], {
    encoding: "utf8",
  });
  execFileSync("mmdebstrap", [...options, suite, file], { stdio: "inherit" });
  execFileSync("gzip", ["-6", file]);
  return `${file}.gz`;
}

function contenders(input) {
  const wick = `${process.execPath} ${root}dist/cli/main.js`;
  const out = (name) => join(work, name);
  const tree = out("tree");
  const mke2fs = (image) =>
    `mkdir ${tree}; tar -xzf ${input} -C ${tree}; ` +
    `truncate -s $(( $(du -s --block-size=1 ${tree} | cut -f1) * 5 / 4 + 268435456 )) ${image}; ` +
    `mke2fs -q -F -t ext4 -d ${tree} ${image}`;
  return {
    "wick build": `${wick} build --quiet --init none -o ${out("wick.ext4")} tar:${input}`,
    "gzip -dc > file": `gzip -dc ${input} > ${out("plain.tar")}`,
    "tar -x + mke2fs -d": mke2fs(out("mke2fs.ext4")),
  };
}

async function rate(commands) {
  const results = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, command] of Object.entries(commands)) {
      for (const output of OUTPUTS) rmSync(join(work, output), { recursive: true, force: true });
      // Nobody waits for what somebody else has left to be written.
      execFileSync("sync");
      const figures = await measure(command);
      if (round > 0) results[name].push(figures);
    }
  }
  return results;
}

function tarMegabytes(input) {
  const bytes = execFileSync("sh", ["-c", `gzip -dc ${input} | wc -c`], { encoding: "utf8" });
  return Math.round(Number(bytes) / 1e6);
}

function print(results, input) {
  const wick = median(results["wick build"].map((f) => f.seconds));
  const megabytes = Math.round(statSync(input).size / 1e6);
  const inodes = execFileSync("sh", ["-c", `tar -tzf ${input} | wc -l`], {
    encoding: "utf8",
  }).trim();
  console.log(`Input: ${megabytes} MB gzip, ${tarMegabytes(input)} MB tar, ${inodes} entries. `);
  console.log(
    `${cpus().length} cores, Node ${process.versions.node}, median of ${rounds} rounds in turn.\n`,
  );
  console.log("| command | s | peak RSS, MiB | wick ÷ this |\n|---|---|---|---|");
  for (const [name, figures] of Object.entries(results)) {
    const seconds = median(figures.map((f) => f.seconds));
    const peak = Math.max(...figures.map((f) => f.peakMiB));
    console.log(`| ${name} | ${seconds.toFixed(2)} | ${peak} | ${(wick / seconds).toFixed(2)} |`);
  }
}

try {
  const input = given === undefined ? makeInput() : resolve(given);
  print(await rate(contenders(input)), input);
} finally {
  rmSync(work, { recursive: true, force: true });
}

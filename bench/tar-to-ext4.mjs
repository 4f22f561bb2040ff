/**
 * tar.gz → ext4: wick against `gzip -dc > file` and against `tar -x` + `mke2fs -d`, in turn, on
 * the same input. Run by hand, after `npm run build`:
 *
 *   node bench/tar-to-ext4.mjs [FILE.tar.gz] [--rounds N]
 *
 * Without a file it makes a root file system with mmdebstrap and packs it. Prints a Markdown
 * table; the last one is kept in docs/performance.md.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { contend, mke2fsOf, numberOption, output, printTable } from "./contend.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const rounds = numberOption("--rounds", 5);
const given = process.argv.slice(2).find((arg) => arg.endsWith(".gz"));
const work = mkdtempSync(join(tmpdir(), "wick-bench-"));
const out = (name) => join(work, name);

/** A distribution's root file system, as people pack them: about 340 MB. */
function makeInput() {
  const file = out("input.tar");
  const options = [
    "--quiet",
    "--variant=important",
    "--include=python3,nginx-light,perl-modules,git",
  ];
  const suite = output('. /etc/os-release && printf %s "$VERSION_CODENAME"');
  execFileSync("mmdebstrap", [...options, suite, file], { stdio: "inherit" });
  execFileSync("gzip", ["-6", file]);
  return `${file}.gz`;
}

function contenders(input) {
  const wick = `"${root}dist/bin/wick.cjs"`;
  const tree = out("tree");
  return {
    "wick build": `${wick} build --quiet --init none -o ${out("wick.ext4")} tar:${input}`,
    "gzip -dc > file": `gzip -dc ${input} > ${out("plain.tar")}`,
    "tar -x + mke2fs -d": `mkdir ${tree}; tar -xzf ${input} -C ${tree}; ${mke2fsOf(tree, out("mke2fs.ext4"))}`,
  };
}

try {
  const input = given === undefined ? makeInput() : resolve(given);
  const outputs = ["wick.ext4", "plain.tar", "mke2fs.ext4", "tree"].map(out);
  const results = await contend(contenders(input), { rounds, outputs });
  const megabytes = Math.round(statSync(input).size / 1e6);
  const plain = Math.round(Number(output(`gzip -dc ${input} | wc -c`)) / 1e6);
  const inodes = output(`tar -tzf ${input} | wc -l`);
  console.log(`Input: ${megabytes} MB gzip, ${plain} MB tar, ${inodes} entries. `);
  printTable(results, rounds);
} finally {
  rmSync(work, { recursive: true, force: true });
}

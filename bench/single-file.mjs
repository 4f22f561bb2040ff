/**
 * nginx and the distribution's kernel as one file, beside an initrd, and with a root file system:
 * bytes, least memory, instructions. Run by hand, after `npm run build`:
 *
 *   node bench/single-file.mjs [--arch aarch64] [--only WORDS]
 *
 * Needs qemu-system-x86, or qemu-system-arm, and what examples/nginx-single-file/build-nginx.sh
 * needs; takes about half an hour. Nothing depends on the host's speed. Prints a Markdown table, which is kept in
 * docs/single-file.md.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildVariants } from "./single-file/artefacts.mjs";
import { floorOf, instructionsOf } from "./single-file/machine.mjs";

const ROUNDS = 2;
const { values } = parseArgs({
  options: {
    arch: { type: "string", default: "x86_64" },
    only: { type: "string", default: "" },
  },
});
const { arch, only } = values;
const MACHINES = { x86_64: "q35", aarch64: "virt" };
if (!(arch in MACHINES)) throw new Error(`--arch ${arch}: wanted x86_64 or aarch64`);

const millions = (counts) => counts.map((count) => (count / 1e6).toFixed(1)).join(", ");

/** Counts of both kinds, each round's; the smallest stands in the table. */
async function countsOf({ name, machine }, directory) {
  const counts = { init: [], answer: [] };
  for (const [kind, list] of Object.entries(counts)) {
    for (let round = 0; round < ROUNDS; round++) {
      list.push(await instructionsOf(machine(kind), directory));
    }
    console.error(`${name}, ${kind}: ${list.join(", ")} instructions`);
  }
  return counts;
}

async function rowOf(variant, directory) {
  const { init, answer } = await countsOf(variant, directory);
  const floor = await floorOf(variant.machine("serve"));
  console.error(`${variant.name}: ${floor} MiB`);
  const least = (counts) => millions([Math.min(...counts)]);
  return `| ${variant.name} | ${variant.bytes.toLocaleString("en")} | ${floor} | ${least(init)} | ${least(answer)} |`;
}

const work = mkdtempSync(join(tmpdir(), "wick-bench-"));
try {
  const { release, variants } = await buildVariants(work, arch);
  const rows = [];
  for (const variant of variants.filter(({ name }) => name.includes(only))) {
    rows.push(await rowOf(variant, work));
  }
  console.log(
    `Linux ${release}, ${arch}, QEMU's ${MACHINES[arch]} under TCG; ${ROUNDS} counts each.\n`,
  );
  console.log(
    "| | bytes of all files | least MiB | M instructions to /init | … to the first 200 |",
  );
  console.log(`|---|---|---|---|---|\n${rows.join("\n")}`);
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Commands against each other on the same input, in turn, so that ratios hold on a busy machine. */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { measure, median } from "./measure.mjs";

/** A disk goes on with what was removed after sync has returned: it is told of freed blocks. */
const SETTLE_MS = 2000;

/**
 * Runs every one of `commands` (name to shell command) `rounds` times after one round for
 * warming up; before each, `outputs` (paths) are removed, so that no contender pays for freeing
 * what another wrote. Gives name to a list of `{seconds, peakMiB}`.
 */
export async function contend(commands, { rounds, outputs }) {
  const results = Object.fromEntries(Object.keys(commands).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, command] of Object.entries(commands)) {
      for (const output of outputs) rmSync(output, { recursive: true, force: true });
      // Nobody waits for what somebody else has left to be written.
      execFileSync("sync");
      await sleep(SETTLE_MS);
      const figures = await measure(command);
      if (round > 0) results[name].push(figures);
    }
  }
  return results;
}

/** The results as a Markdown table; the first contender is wick. */
export function printTable(results, rounds) {
  const wick = median(Object.values(results)[0].map((f) => f.seconds));
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

/** What sh prints, without the newline at its end. */
export function output(command) {
  return execFileSync("sh", ["-c", command], { encoding: "utf8", maxBuffer: 1 << 28 }).trim();
}

/** The number after `name` on the command line, or `fallback`. */
export function numberOption(name, fallback) {
  const at = process.argv.indexOf(name);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
}

/** sh's way of `mke2fs -d` of a tree with room to spare. */
export function mke2fsOf(tree, image) {
  return (
    `truncate -s $(( $(du -s --block-size=1 ${tree} | cut -f1) * 5 / 4 + 268435456 )) ${image}; ` +
    `mke2fs -q -F -t ext4 -d ${tree} ${image}`
  );
}

/**
 * `npm run drills`: what the store must live through, in full (about 40 minutes). Needs the
 * packages of the tests (docker-registry, skopeo) and a built dist/.
 *
 *   node scripts/drills/main.mjs [kill|disk|failure …] [--tenth] [--seed N]
 *
 * Ends with 1 when anything went wrong; each thing that did is a line.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fullDisk } from "./full-disk.mjs";
import { killAnywhere } from "./kill.mjs";
import { nthFailure } from "./nth-failure.mjs";
import { startRegistry } from "./registry.mjs";

const args = process.argv.slice(2);
const isTenth = args.includes("--tenth");
const seed = args.includes("--seed") ? Number(args[args.indexOf("--seed") + 1]) : 1;

const percents = (step) => Array.from({ length: 100 / step }, (_, i) => (i + 1) * step);

/** How often, and at which calls of the host a command is killed: the first of each, then fewer. */
const KILL_FULL = {
  kills: 200,
  calls: ["rename", "fsync", "mkdir", "unlink", "open", "write"],
  killPoints: 12,
};
const KILL_TENTH = { kills: 12, calls: ["rename"], killPoints: 4 };

/** Each drill with its image, in full and as a tenth. */
const drills = {
  kill: {
    title: "1, kill anywhere",
    layers: isTenth ? [2e6, 1e6, 1e6] : [40e6, 30e6, 20e6, 10e6],
    run: (at) => killAnywhere({ ...at, seed, ...(isTenth ? KILL_TENTH : KILL_FULL) }),
  },
  disk: {
    title: "2, full disk",
    layers: isTenth ? [4e6, 4e6] : [40e6, 30e6, 20e6, 10e6],
    run: (at) =>
      fullDisk({
        ...at,
        ...(isTenth
          ? { sizes: [30, 80], inodes: [12] }
          : { sizes: percents(5), inodes: [4, 6, 8, 10, 12, 14, 16, 20] }),
      }),
  },
  failure: {
    title: "3, n-th failure",
    layers: isTenth ? [1e6, 1e6] : [8e6, 7e6, 5e6],
    run: (at) => nthFailure({ ...at, most: isTenth ? 2 : 40 }),
  },
};

const chosen = Object.keys(drills).filter((name) => args.includes(name));
for (const name of chosen.length > 0 ? chosen : Object.keys(drills)) await run(drills[name]);

async function run({ title, layers, run: drill }) {
  const directory = mkdtempSync(join(tmpdir(), "wick-drill-"));
  for (const name of ["out", "disk"]) mkdirSync(join(directory, name));
  const start = performance.now();
  console.log(`Drill ${title}, seed ${seed}`);
  let registry;
  try {
    registry = await startRegistry(directory, layers);
    const { points, problems } = await drill({ directory, registry });
    const seconds = Math.round((performance.now() - start) / 1000);
    console.log(`Drill ${title}: ${points} points, ${problems.length} problems, ${seconds} s`);
    if (problems.length > 0) process.exitCode = 1;
  } finally {
    await registry?.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

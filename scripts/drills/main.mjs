/**
 * `npm run drills`: what the store and machines must live through, in full (about an hour and a
 * half). Needs the packages of the tests (docker-registry, skopeo, QEMU) and a built dist/.
 *
 *   node scripts/drills/main.mjs [kill|disk|failure|death …] [--tenth] [--seed N] [--times N]
 *
 * --times: how often each cell of the death matrix is filled (10). Kernels come from the cache
 * that WICK_CACHE names.
 *
 * Ends with 1 when anything went wrong; each thing that did is a line.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deathMatrix } from "./death.mjs";
import { fullDisk } from "./full-disk.mjs";
import { killAnywhere } from "./kill.mjs";
import { nthFailure } from "./nth-failure.mjs";
import { startRegistry } from "./registry.mjs";

const args = process.argv.slice(2);
const isTenth = args.includes("--tenth");
const numberAfter = (name, otherwise) =>
  args.includes(name) ? Number(args[args.indexOf(name) + 1]) : otherwise;
const seed = numberAfter("--seed", 1);
const kernels =
  process.env.WICK_CACHE ?? fileURLToPath(new URL("../../build/test-cache", import.meta.url));

const percents = (step) => Array.from({ length: 100 / step }, (_, i) => (i + 1) * step);

/** How often, and at which calls of the host a command is killed: the first of each, then fewer. */
const KILL_FULL = {
  kills: 200,
  calls: ["rename", "fsync", "mkdir", "unlink", "open", "write"],
  killPoints: 12,
};
const KILL_TENTH = { kills: 12, calls: ["rename"], killPoints: 4 };

/** Each drill with the layers of its image, if it has one in a registry, in full and as a tenth. */
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
  death: {
    title: "5, death matrix",
    run: (at) =>
      deathMatrix({
        ...at,
        kernels,
        seed,
        ...(isTenth ? { times: 1, most: 3 } : { times: numberAfter("--times", 10) }),
      }),
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
    if (layers !== undefined) registry = await startRegistry(directory, layers);
    const { points, problems } = await drill({ directory, registry });
    const seconds = Math.round((performance.now() - start) / 1000);
    console.log(`Drill ${title}: ${points} points, ${problems.length} problems, ${seconds} s`);
    if (problems.length > 0) process.exitCode = 1;
  } finally {
    await registry?.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

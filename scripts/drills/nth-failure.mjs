/**
 * Drill 3, n-th failure: every call of a pull and build that touches the machine fails in its
 * turn, once and from then on. Passes when each gives the right image or one coded error with the
 * former output untouched, and the same again without a fault gives the right image.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setFaults } from "../../dist/host/index.js";
import { build, isWickError } from "../../dist/index.js";
import { namesIn, Outcome, sha256 } from "./drill.mjs";

const FORMER = "the former file";

const CALLS = ["write", "fsync", "rename", "open", "read", "stat", "mkdir", "unlink", "spawn"];
const WAYS = [
  { errno: "EIO", persistent: false },
  { errno: "ENOSPC", persistent: true },
];

/** Every call of a kind, and of the many writes and looks only some: every `step`-th, at most `most`. */
export async function nthFailure({ directory, registry, most }) {
  const outcome = new Outcome();
  const at = {
    reference: registry.reference,
    cache: join(directory, "cache"),
    output: join(directory, "out", "x.ext4"),
  };
  await fresh(at);
  const error = await attempt(at);
  if (error !== undefined) throw error;
  const wanted = await sha256(at.output);
  for (const call of CALLS) {
    const total = await count(call, at);
    const step = Math.max(1, Math.ceil(total / most));
    for (const way of WAYS) {
      for (let nth = 1; nth <= total; nth += step) {
        const fault = { call, nth, pathPrefix: "/", ...way };
        const kind = way.persistent ? "from then on" : "once";
        outcome.add(`${call} ${nth}, ${way.errno} ${kind}`, await problems(fault, at, wanted));
      }
    }
  }
  return outcome;
}

async function fresh({ cache, output }) {
  rmSync(cache, { recursive: true, force: true });
  writeFileSync(output, FORMER);
}

/** How many calls of a kind a whole build makes. */
async function count(call, at) {
  await fresh(at);
  let total = 0;
  const never = {
    call,
    pathPrefix: "/",
    errno: "EIO",
    // Asked at every call of the kind.
    get nth() {
      total++;
      return Infinity;
    },
  };
  setFaults([never]);
  await attempt(at);
  setFaults([]);
  return total;
}

async function attempt({ reference, cache, output }) {
  const environment = { ...process.env, WICK_CACHE: cache };
  const context = { environment, workingDirectory: "/", onEvent: () => undefined };
  try {
    await build({ source: reference, output, init: "none" }, context);
    return undefined;
  } catch (error) {
    return error;
  }
}

async function problems(fault, at, wanted) {
  await fresh(at);
  setFaults([fault]);
  const error = await attempt(at);
  setFaults([]);
  const found = [];
  const isFormer = readFileSync(at.output).subarray(0, 100).toString() === FORMER;
  if (error !== undefined && !isWickError(error))
    found.push(`not wick's own error: ${error instanceof Error ? error.message : "?"}`);
  if (error?.code === "INTERNAL") found.push(`a defect: ${error.message}`);
  // Only what fails after the rename (the directory's sync, a last look) may leave the new one.
  const isRight = !isFormer && (await sha256(at.output)) === wanted;
  if (error === undefined && !isRight) found.push("success without the right image");
  if (error !== undefined && !isFormer && !isRight) found.push("an error and a wrong image");
  const beside = namesIn(join(at.output, "..")).filter((name) => name !== "x.ext4");
  if (beside.length > 0) found.push(`beside the output: ${beside.join(", ")}`);
  const again = await attempt(at);
  if (again !== undefined) found.push(`again without a fault: ${again.message}`);
  else if ((await sha256(at.output)) !== wanted) found.push("again without a fault: another image");
  const left = namesIn(join(at.cache, "tmp"));
  if (left.length > 0) found.push(`left in tmp: ${left.join(", ")}`);
  return found;
}

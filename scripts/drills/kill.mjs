/**
 * Drill 1, kill anywhere: SIGKILL at moments spread over pull, build and prune of an image, and at
 * calls of the host; each time the command again. Passes when every image is the same, no blob
 * that was whole is fetched again, nothing is left over, and the store is whole.
 */
import { cpSync, existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { verifyStore } from "../../dist/index.js";
import { namesIn, Outcome, random, sha256, startWick, wick } from "./drill.mjs";

/** What is killed, and what is in the store before. */
const SCENES = [
  { name: "build", isFilled: false, words: (at) => build(at) },
  { name: "pull", isFilled: false, words: ({ reference }) => ["pull", "-q", reference] },
  { name: "build again", isFilled: true, words: (at) => [...build(at), "--label", "again"] },
  { name: "prune", isFilled: true, words: () => ["prune", "-a", "-f"] },
];

function build({ reference, output }) {
  return ["build", "-q", "--init", "none", reference, "-o", output];
}

export async function killAnywhere({ directory, registry, kills, calls, killPoints, seed }) {
  const outcome = new Outcome();
  const at = {
    reference: registry.reference,
    cache: join(directory, "cache"),
    filled: join(directory, "filled"),
    output: join(directory, "out", "x.ext4"),
  };
  const wanted = await reference(at);
  const next = random(seed);
  for (let i = 0; i < kills; i++) {
    const scene = SCENES[i % SCENES.length];
    const span = prepare(scene, at);
    // Two in ten fall into the first tenth, where what is there is looked at.
    const afterMs = Math.round(next() * span * (i % 5 === 0 ? 0.1 : 1));
    const { child, done } = startWick(scene.words(at), { cache: at.cache });
    const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
    await done;
    clearTimeout(timer);
    outcome.add(`${scene.name}, killed after ${afterMs} ms`, await again(at, registry, wanted));
  }
  for (const call of calls) await killAt(call, { at, registry, wanted, outcome, killPoints });
  return outcome;
}

/** The right image's digest, and how long each scene takes when nobody kills it. */
async function reference(at) {
  for (const scene of SCENES) {
    rmSync(at.cache, { recursive: true, force: true });
    if (scene.isFilled) await ok(build(at), at);
    const start = performance.now();
    await ok(scene.words(at), at);
    scene.spanMs = performance.now() - start;
  }
  rmSync(at.cache, { recursive: true, force: true });
  await ok(build(at), at);
  cpSync(at.cache, at.filled, { recursive: true });
  return sha256(at.output);
}

async function ok(words, { cache }) {
  const result = await wick(words, { cache });
  if (result.status !== 0) throw new Error(`wick ${words.join(" ")}:\n${result.stderr}`);
}

function prepare(scene, at) {
  rmSync(at.cache, { recursive: true, force: true });
  rmSync(at.output, { force: true });
  if (scene.isFilled) cpSync(at.filled, at.cache, { recursive: true, preserveTimestamps: true });
  return scene.spanMs;
}

async function killAt(call, { at, registry, wanted, outcome, killPoints }) {
  let step = 1;
  for (let nth = 1, points = 0; ; nth += step, points++) {
    prepare(SCENES[0], at);
    const faults = [{ call, pathPrefix: "/", nth, errno: "SIGKILL" }];
    const { signal } = await wick(build(at), { cache: at.cache, faults });
    outcome.add(`killed at ${call} ${nth}`, await again(at, registry, wanted));
    if (signal !== "SIGKILL") return;
    // Few points in all, and more of them where a command begins.
    if (points >= killPoints) step *= 2;
  }
}

/** The command again, and what is wrong then. */
async function again(at, registry, wanted) {
  const whole = namesIn(join(at.cache, "blobs/sha256"));
  registry.takeLog();
  const result = await wick(build(at), { cache: at.cache });
  if (result.status !== 0) return [`the next build failed:\n${result.stderr}`];
  const log = registry.takeLog().filter((line) => line.includes("GET"));
  const problems = whole
    .filter((hex) => log.some((line) => line.includes(`/blobs/sha256:${hex}`)))
    .map((hex) => `${hex} was whole and was fetched again`);
  if ((await sha256(at.output)) !== wanted) problems.push("another image");
  for (const left of temporaries(at)) problems.push(`${left} is left`);
  const { damage } = await verifyStore({
    environment: { WICK_CACHE: at.cache },
    workingDirectory: "/",
    onEvent: () => undefined,
  });
  for (const { what, problem } of damage) problems.push(`${what}: ${problem}`);
  return problems;
}

function temporaries({ cache, output }) {
  const beside = namesIn(join(output, "..")).filter((name) => name !== "x.ext4");
  const inStore = existsSync(cache)
    ? readdirSync(cache, { recursive: true, encoding: "utf8" })
    : [];
  return [...beside, ...inStore.filter((name) => /^tmp\/|\.tmp$|wick-/.test(name))];
}

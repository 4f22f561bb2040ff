/**
 * Drill 5, death matrix: SIGKILL of wick, of the VMM, of the relay's process in the guest and of
 * the launcher that watches over the VMM, in each phase of a run in which it lives, at random
 * moments. Passes when the rest is as documented within 3 s (nothing left, wick's status and
 * words, or a machine that goes on), and the next run of the same source answers on the same port.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { namesIn, Outcome, random } from "./drill.mjs";
import { DrillMachine, remains } from "./machine.mjs";

const server = fileURLToPath(new URL("../../test/support/guest/relay-server.c", import.meta.url));

/** Who is killed in which phase: the early ones, which never answer, and those that do before. */
const MATRIX = {
  early: [
    ["wick", "building"],
    ["vmm", "starting"],
    ["wick", "starting"],
    ["launcher", "starting"],
    ["vmm", "booting"],
    ["wick", "booting"],
    ["launcher", "booting"],
  ],
  late: [
    ["wick", "open"],
    ["vmm", "open"],
    ["relay", "open"],
    ["launcher", "idle"],
    ["wick", "stopping"],
    ["vmm", "idle"],
    ["relay", "idle"],
    ["launcher", "open"],
    ["wick", "idle"],
    ["vmm", "stopping"],
    ["relay", "stopping"],
    ["launcher", "stopping"],
  ],
};

/** In `ms`: how soon all must be gone, and how long a machine that was asked to stop may take. */
const GONE_MS = 3000;
const STOP_MS = 15_000;
/** How long it may take until there is a process to be killed. */
const FOUND_MS = 10_000;

/** `times` each cell; `most` of the early and of the late ones at all. */
export async function deathMatrix({ directory, kernels, seed, times, most = Infinity }) {
  const outcome = new Outcome();
  const at = await prepare(directory, kernels);
  const next = random(seed);
  const spans = await reference(at);
  for (let time = 0; time < times; time++) {
    for (const [victim, phase] of cells(most)) {
      const { problems, afterMs } = await trial({ victim, phase }, { at, spans, next });
      outcome.add(`${victim} killed ${afterMs} ms into ${phase}`, problems);
    }
    console.log(`  after round ${time + 1} of ${times}: ${outcome.points} points`);
  }
  outcome.add("the run behind all of them", await lastRun(at));
  return outcome;
}

/** Early and late ones in turn: the machine of a late one is the next run of the one before. */
function cells(most) {
  const [early, late] = [MATRIX.early.slice(0, most), MATRIX.late.slice(0, most)];
  return late.flatMap((cell, index) => (index < early.length ? [early[index], cell] : [cell]));
}

async function prepare(directory, kernels) {
  const at = {
    directory,
    cache: join(directory, "cache"),
    temporary: join(directory, "tmp"),
    program: join(directory, "server"),
    path: process.env.PATH,
    port: await freePort(),
    label: 0,
    leftovers: [],
  };
  const programs = join(directory, "bin");
  for (const path of [at.cache, at.temporary, programs]) mkdirSync(path, 0o700);
  at.pathWithoutSetpriv = withoutSetpriv(programs);
  execFileSync("cc", ["-static", "-Os", "-s", "-o", at.program, server]);
  for (const name of ["apt", "debs", "kernels"]) {
    const kept = join(kernels, name);
    mkdirSync(kept, { recursive: true, mode: 0o700 });
    symlinkSync(kept, join(at.cache, name));
  }
  return at;
}

/** With a setpriv first that cannot do it, wick starts its launcher instead. */
function withoutSetpriv(directory) {
  writeFileSync(join(directory, "setpriv"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  return `${directory}:${process.env.PATH}`;
}

async function freePort() {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address();
  listener.close();
  return port;
}

/** How long each phase takes when nobody is killed, in `ms`. */
async function reference(at) {
  const spans = { idle: 300, open: 300 };
  // The first may have to fetch a kernel.
  for (let run = 0; run < 2; run++) {
    at.label++;
    const machine = new DrillMachine(at, at);
    let since = performance.now();
    for (const [before, phase] of [
      ["building", "starting"],
      ["starting", "booting"],
      ["booting", "idle"],
    ]) {
      if (!(await machine.reaches(phase))) throw new Error(machine.texts.stderr);
      spans[before] = performance.now() - since;
      since = performance.now();
    }
    if (!(await machine.answers())) throw new Error("nobody answers");
    since = performance.now();
    await stopped(machine);
    spans.stopping = performance.now() - since;
  }
  return spans;
}

async function trial({ victim, phase }, { at, spans, next }) {
  if (phase === "building") at.label++;
  const path = victim === "launcher" ? at.pathWithoutSetpriv : at.path;
  const machine = new DrillMachine(at, { path });
  const afterMs = Math.round(next() * spans[phase]);
  const problems = await enter(machine, phase);
  const busy = phase === "open" ? await Promise.all(busyOnes(machine)) : [];
  if (phase === "stopping" && victim !== "relay") machine.child.kill("SIGTERM");
  problems.push(...(await kill(machine, { victim, phase, afterMs })));
  problems.push(...(await AFTER[victim](machine, { phase, busy })));
  for (const { socket } of busy) socket.destroy();
  machine.child.kill("SIGKILL");
  await machine.done;
  problems.push(...(await goneIn(GONE_MS, at)));
  at.leftovers = namesIn(join(at.cache, "tmp"));
  return { problems, afterMs };
}

const busyOnes = (machine) => Array.from({ length: 4 }, () => machine.busyConnection());

/** Waits for the phase. From listening on the machine is also the next run of the last trial. */
async function enter(machine, phase) {
  if (phase === "building") return [];
  const isEarly = phase === "starting" || phase === "booting";
  const reached = await machine.reaches(isEarly ? phase : "idle");
  if (!reached) return [`the next run ended:\n${machine.texts.stderr}`];
  return isEarly ? [] : nextRun(machine);
}

async function nextRun(machine) {
  const left = machine.at.leftovers.filter((name) =>
    namesIn(join(machine.at.cache, "tmp")).includes(name),
  );
  return [
    ...((await machine.answers()) ? [] : ["the next run does not answer"]),
    ...left.map((name) => `the next run has left ${name}`),
  ];
}

async function kill(machine, { victim, phase, afterMs }) {
  if (victim === "relay") {
    await machine.killRelayIn(afterMs);
    if (phase === "stopping") machine.child.kill("SIGTERM");
    else await sleep(afterMs);
    return [];
  }
  if (victim !== "wick" && !(await found(machine, victim))) {
    // In the last phase it may have ended already: then there is nothing to kill.
    return phase === "stopping" ? [] : [`there was no ${victim} to be killed`];
  }
  await sleep(afterMs);
  killNow(victim === "wick" ? machine.child.pid : machine[victim]());
  return [];
}

/** Nobody is there to be killed where its end came sooner: what holds then is looked at all the same. */
function killNow(pid) {
  try {
    if (pid !== undefined) process.kill(pid, "SIGKILL");
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** Whether it is there, or comes. */
async function found(machine, victim) {
  for (const end = performance.now() + FOUND_MS; machine[victim]() === undefined; await sleep(5)) {
    if (machine.ended || performance.now() > end) return false;
  }
  return true;
}

/** What must be true once each of them is dead, a sentence for what is not. */
const AFTER = {
  async wick(machine) {
    const { signal } = await machine.done;
    return signal === "SIGKILL" || machine.ended ? [] : [`wick ended by ${signal}`];
  },
  async vmm(machine, { phase, busy }) {
    const result = await within(GONE_MS, machine.done);
    if (result === undefined) return [`wick lives ${GONE_MS} ms after its VMM`];
    const broken = await within(GONE_MS, Promise.all(busy.map((one) => one.broken)));
    return [
      ...(broken === undefined ? ["a client is still connected"] : []),
      ...endProblems(result, phase),
    ];
  },
  async relay(machine, { phase, busy }) {
    if (phase === "stopping") return stopProblems(machine);
    const broken = await within(GONE_MS, Promise.all(busy.map((one) => one.broken)));
    const told = /init could not set up relay: .*was killed/;
    return [
      ...(broken === undefined ? ["a client is still connected"] : []),
      ...((await holdsIn(GONE_MS, () => told.test(machine.texts.stderr))) ? [] : ["not told"]),
      ...((await holdsIn(GONE_MS, async () => !(await machine.answers()))) ? [] : ["it answers"]),
      ...(machine.ended ? ["wick has ended"] : await stopProblems(machine)),
    ];
  },
  async launcher(machine, { phase }) {
    if (phase === "stopping") return stopProblems(machine);
    const isUp = await machine.reaches("idle");
    const answers = isUp && (await machine.answers());
    return [...(answers ? [] : ["it does not answer"]), ...(await stopProblems(machine))];
  },
};

/** wick's own status and words for a VMM that was killed; asked to stop, it may have done so. */
function endProblems({ status, stderr }, phase) {
  if (phase === "stopping" && status === 143) return [];
  const isTold =
    /QEMU (was ended|ended) by SIGKILL/.test(stderr) && stderr.includes("[VMM_FAILED]");
  return status === 125 && isTold ? [] : [`wick ended with ${status}:\n${stderr}`];
}

async function stopProblems(machine) {
  const result = await stopped(machine);
  if (result === undefined) return [`it did not stop in ${STOP_MS} ms`];
  return result.status === 143 ? [] : [`asked to stop it ended with ${result.status}`];
}

function stopped(machine) {
  // A second one would end it at once.
  if (!machine.child.killed) machine.child.kill("SIGTERM");
  return within(STOP_MS, machine.done);
}

async function within(ms, promise) {
  const timer = new AbortController();
  const late = sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined);
  const result = await Promise.race([promise, late]);
  timer.abort();
  return result;
}

async function holdsIn(ms, holds) {
  for (const end = performance.now() + ms; performance.now() < end; await sleep(20)) {
    if (await holds()) return true;
  }
  return false;
}

async function goneIn(ms, at) {
  let left = [];
  await holdsIn(ms, async () => {
    left = await remains(at);
    return left.length === 0;
  });
  return left;
}

async function lastRun(at) {
  const machine = new DrillMachine(at, at);
  const problems = await enter(machine, "idle");
  problems.push(...(await stopProblems(machine)), ...(await goneIn(GONE_MS, at)));
  const left = readdirSync(join(at.cache, "tmp"));
  return [...problems, ...left.map((name) => `${name} is left in the store`)];
}

/**
 * SIGKILL of wick and of Firecracker, in some moments of a run: nothing left, the next run works.
 * Of a jailed wick what root alone can remove is left, and the next command takes it away.
 */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startPatiently } from "./expect.mjs";
import { temporaryDirectory, startWick, wick } from "./tools.mjs";

const PORT = 8090;

/** In `ms`. */
const GONE_MS = 3000;
/** Longer than wick itself waits: a machine that does not come this far is shown with its words. */
const UNTIL_MS = 12 * 60_000;

/** Who is killed, and when: each run but the first is also the next one of the one before. */
const CELLS = [
  ["wick", "starting"],
  ["firecracker", "booting"],
  ["wick", "serving"],
  ["firecracker", "serving"],
];

/** What a jailed wick makes outside its private directory. */
const JAIL_PLACES = { jail: "/srv/jailer/firecracker", cgroup: "/sys/fs/cgroup/firecracker" };

/** Boots the server of `image` for each cell and kills; what was seen, in words. */
export async function killCheck(image) {
  const base = temporaryDirectory();
  try {
    const temporary = join(base.path, "tmp");
    mkdirSync(temporary, { mode: 0o700 });
    for (const [victim, phase] of CELLS) await killIn({ image, temporary }, victim, phase);
    const last = started({ image, temporary });
    await served(last);
    await kill("wick", last);
    await nothingLeft(temporary);
  } finally {
    base.remove();
  }
  return `${CELLS.map((cell) => cell.join(" ")).join(", ")}; nothing left within 3 s`;
}

/** Kills a jailed wick once its machine runs, sees what is left, and lets the next command sweep. */
export async function jailedKillCheck(words) {
  const machine = startPatiently(["--vmm", "firecracker", ...words]);
  await until(machine, () => isStarted(machine));
  await kill("wick", machine);
  const left = jails();
  if (left.jail.length !== 1 || left.cgroup.length !== 1) {
    throw new Error(`wanted one jail and one cgroup to be left, got ${JSON.stringify(left)}`);
  }
  await wick(["images"]);
  const after = jails();
  if (after.jail.length + after.cgroup.length > 0) {
    throw new Error(`the next command left ${JSON.stringify(after)}`);
  }
  return `${left.jail[0]} was swept`;
}

function jails() {
  const named = (path) => readdirSync(path).filter((name) => name.startsWith("wick-"));
  return { jail: named(JAIL_PLACES.jail), cgroup: named(JAIL_PLACES.cgroup) };
}

function started({ image, temporary }) {
  const words = ["run", "--timeout", "10m", "--vmm", "firecracker", "-p", `${PORT}:80`, image];
  return startWick(words, { env: { ...process.env, TMPDIR: temporary } });
}

async function killIn(at, victim, phase) {
  const machine = started(at);
  if (phase === "serving") await served(machine);
  else await until(machine, () => firecrackerOf(machine) !== undefined);
  // By then the kernel is under way: what follows the last request takes it seconds.
  if (phase === "booting") {
    await until(machine, () => isStarted(machine));
    await sleep(1000);
  }
  const result = await kill(victim, machine);
  if (victim === "firecracker") checkEnd(result);
  await nothingLeft(at.temporary);
}

function isStarted({ texts }) {
  return texts.stderr.includes("ok Start the machine");
}

function served(machine) {
  return until(machine, async () => {
    try {
      return (await fetch(`http://127.0.0.1:${PORT}/`, { signal: AbortSignal.timeout(5000) })).ok;
    } catch {
      return false;
    }
  });
}

async function until({ texts, child }, holds) {
  const fail = (what) => {
    throw new Error(`${what}\n${texts.stdout}${texts.stderr}`);
  };
  for (const end = performance.now() + UNTIL_MS; !(await holds()); await sleep(20)) {
    if (child.exitCode !== null) fail("it ended");
    if (performance.now() > end) fail(`${UNTIL_MS / 60_000} min were not enough`);
  }
}

/** Firecracker's pid: the one child of wick's with this name. */
function firecrackerOf({ child }) {
  const task = `/proc/${child.pid}/task/${child.pid}/children`;
  return readFileSync(task, "latin1")
    .split(" ")
    .filter((pid) => pid.trim() !== "")
    .find((pid) => nameOf(pid).startsWith("firecracker"));
}

function nameOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/comm`, "latin1");
  } catch {
    return ""; // gone meanwhile
  }
}

async function kill(victim, machine) {
  process.kill(victim === "wick" ? machine.child.pid : firecrackerOf(machine), "SIGKILL");
  return machine.done;
}

function checkEnd({ status, stderr }) {
  if (status === 125 && stderr.includes("SIGKILL") && stderr.includes("[VMM_FAILED]")) return;
  throw new Error(`Firecracker was killed, and wick ended with ${status}\n${stderr}`);
}

async function nothingLeft(temporary) {
  let left = [];
  for (const end = performance.now() + GONE_MS; performance.now() < end; await sleep(50)) {
    left = [...readdirSync(temporary), ...firecrackers()];
    if (await listens()) left.push(`port ${PORT}`);
    if (left.length === 0) return;
  }
  throw new Error(`left ${GONE_MS} ms after a kill: ${left.join(", ")}`);
}

/** Whoever has this name: the lab has no others, and a host should have none while it is checked. */
function firecrackers() {
  return readdirSync("/proc").filter(
    (pid) => /^\d+$/.test(pid) && nameOf(pid).startsWith("firecracker") && isNoZombie(pid),
  );
}

function isNoZombie(pid) {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

function listens() {
  return new Promise((resolve) => {
    const socket = connect({ port: PORT, host: "127.0.0.1" });
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

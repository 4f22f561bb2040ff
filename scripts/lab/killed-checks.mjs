/** What a killed wick leaves of a real jailer's work, and the next command that takes it away. */
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { startPatiently } from "./expect.mjs";
import { wick } from "./tools.mjs";

const places = { jail: "/srv/jailer/firecracker", cgroup: "/sys/fs/cgroup/firecracker" };

/** Kills a jailed wick once its machine runs, sees what is left, and lets the next command sweep. */
export async function killedCheck(words) {
  const { child, texts, done } = startPatiently(["--vmm", "firecracker", ...words]);
  while (!texts.stderr.includes("ok Start the machine")) {
    if (child.exitCode !== null) throw new Error(texts.stderr);
    await sleep(100);
  }
  child.kill("SIGKILL");
  await done;
  const left = ours();
  if (left.jail.length !== 1 || left.cgroup.length !== 1) {
    throw new Error(`wanted one jail and one cgroup to be left, got ${JSON.stringify(left)}`);
  }
  await wick(["images"]);
  const after = ours();
  if (after.jail.length + after.cgroup.length > 0) {
    throw new Error(`the next command left ${JSON.stringify(after)}`);
  }
  return `${left.jail[0]} was swept`;
}

function ours() {
  const named = (path) => readdirSync(path).filter((name) => name.startsWith("wick-"));
  return { jail: named(places.jail), cgroup: named(places.cgroup) };
}

/**
 * Drill 2, full disk: pull and build in file systems of 5 %, 10 %, … of what they need, and in
 * some with too few inodes. Passes when each ends with one coded error and as empty as it was,
 * or with the right image; and with that once there is room.
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { mainFile, Outcome } from "./drill.mjs";

/** In a mount namespace of its own, which needs no root: a small disk, then room, then the truth. */
const SCRIPT = `
  set -u
  mount -t tmpfs -o "$OPTIONS" none "$DISK" || exit 99
  mkdir "$DISK/out"
  wick() { WICK_CACHE="$DISK/cache" "$NODE" "$MAIN" "$@"; }
  build() { wick build -q --init none "$REFERENCE" -o "$DISK/out/x.ext4"; }
  used() { find "$DISK" -type f -printf '%k\\n' | awk '{ s += $1 } END { print s + 0 }'; }
  build > "$LOG.out" 2> "$LOG.err"; echo "status $?"
  echo "used $(used)"
  [ -e "$DISK/out/x.ext4" ] && echo "first $(sha256sum < "$DISK/out/x.ext4" | cut -d' ' -f1)"
  ls -A "$DISK/out" | sed 's/^/beside /'
  mount -o "remount,size=8g,nr_inodes=100k" "$DISK" || exit 99
  build > "$LOG.out2" 2> "$LOG.err2"; echo "again $?"
  echo "second $(sha256sum < "$DISK/out/x.ext4" | cut -d' ' -f1)"
  echo "whole $(used)"
  wick store verify -q > /dev/null 2>&1; echo "verify $?"
  echo "errors $(grep -c '^error: ' "$LOG.err")"
  sed -n 's/^error: /error /p' "$LOG.err"
`;

export async function fullDisk({ directory, registry, sizes, inodes }) {
  const outcome = new Outcome();
  const at = { disk: join(directory, "disk"), log: join(directory, "log"), registry };
  const plenty = await attempt(at, "size=8g");
  const need = { kilobytes: Number(plenty.whole), wanted: plenty.second };
  if (plenty.status !== "0") throw new Error(`with room enough: ${JSON.stringify(plenty)}`);
  for (const share of sizes) {
    const options = `size=${Math.ceil((need.kilobytes * share) / 100)}k`;
    outcome.add(`${share} % of the need`, problemsOf(await attempt(at, options), need));
  }
  for (const count of inodes) {
    const facts = await attempt(at, `size=8g,nr_inodes=${count}`);
    outcome.add(`${count} inodes`, problemsOf(facts, need));
  }
  return outcome;
}

async function attempt({ disk, log, registry }, options) {
  const child = spawn("unshare", ["-rm", "sh", "-c", SCRIPT], {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      OPTIONS: options,
      DISK: disk,
      LOG: log,
      NODE: process.execPath,
      MAIN: mainFile,
      REFERENCE: registry.reference,
    },
  });
  let text = "";
  child.stdout.on("data", (chunk) => void (text += chunk));
  await new Promise((resolve) => child.once("close", resolve));
  const lines = text.trim().split("\n");
  const facts = Object.fromEntries(lines.map((line) => line.split(/ (.*)/s).slice(0, 2)));
  return { ...facts, beside: lines.filter((line) => line.startsWith("beside ")) };
}

/** Records and locks may stay: they are a few kilobytes. */
const BASELINE_KB = 32;

function problemsOf(facts, { wanted }) {
  const problems = [];
  const { status, used, first, second, again, verify, errors, error = "", beside } = facts;
  if (status === "0") {
    if (first !== wanted) problems.push("another image");
  } else {
    if (errors !== "1") problems.push(`${errors} errors`);
    if (!error.endsWith("[DISK_FULL]")) problems.push(`the error is: ${error}`);
    if (Number(used) > BASELINE_KB) problems.push(`${used} KiB stayed`);
    if (beside.length > 0) problems.push(beside.join(", "));
  }
  if (again !== "0" || second !== wanted) problems.push(`with room it ends with ${again}`);
  if (verify !== "0") problems.push("the store is damaged");
  return problems;
}

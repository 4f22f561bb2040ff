/** A real Firecracker: by wick, by a bundle's configuration alone, in its jailer. */
import { cpSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expectPage, expectRun, startPatiently } from "./expect.mjs";
import { jailedKillCheck, killCheck } from "./kill-checks.mjs";
import { relayCheck } from "./relay-checks.mjs";
import { findProgram, start, temporaryDirectory } from "./tools.mjs";

const firecracker = process.env.WICK_FIRECRACKER || findProgram("firecracker");
const isRoot = process.getuid() === 0;

const JAIL = ["--jailer", "20001:20001", "--cgroup", "pids.max=100"];

export function firecrackerChecks(images) {
  const at = (name) => join(images, name);
  return [
    { name: "the version", run: versionOf },
    {
      name: "a root file system's application, and its status",
      run: () => expectMachine(at("seven.ext4"), { status: 7, text: "hello from" }),
    },
    {
      name: "an initramfs's application, and its status",
      run: () => expectMachine(at("zero.cpio.gz"), { status: 0, text: "hello from" }),
    },
    {
      name: "metrics, and a bundle's application by wick run",
      run: () =>
        expectMetrics(at("bundle-hello"), [], { status: 3, text: "hello from the bundle" }),
    },
    {
      name: "a balloon leaves the memory that is reserved",
      run: () =>
        expectMachine(at("short-of-memory.ext4"), { status: 0, text: "hello from a balloon" }, [
          "-m",
          "256m",
          "--memory-reservation",
          "96m",
        ]),
    },
    {
      name: "a packed file's application, killed by a signal",
      run: () => expectMachine(at("killed.vmlinux"), { status: 137, text: "hello from" }),
    },
    {
      name: "a published port serves the page through init's relay",
      run: () => {
        const words = ["--vmm", "firecracker", "-p", "8080:80", at("nginx.cpio.gz")];
        return expectPage(startPatiently(words), "http://127.0.0.1:8080/");
      },
    },
    {
      name: "many requests and much data go through the relay, each whole",
      run: () => relayCheck(at("relay.ext4")),
    },
    {
      name: "wick and Firecracker are killed, nothing is left, and the next run serves",
      run: () => killCheck(at("relay.ext4")),
    },
    {
      name: "a bundle boots by its configuration alone, and ends with its application",
      run: () => expectBundle(startBundle(at("bundle-hello"), "firecracker.json")),
    },
    ...tapChecks(at),
    ...jailChecks(at),
  ];
}

function jailChecks(at) {
  return [
    {
      name: "wick's own jail, and the status of what ran in it",
      ...(isDynamic() ? { skip: "this Firecracker is not static" } : jailerSkip()),
      run: () => expectMetrics(at("seven.ext4"), JAIL),
    },
    {
      name: "the jail of a killed wick, and the next command",
      ...(isDynamic() ? { skip: "this Firecracker is not static" } : jailerSkip()),
      run: () => jailedKillCheck([...JAIL, at("nginx.cpio.gz")]),
    },
    {
      name: "a bundle boots in the jailer",
      ...jailerSkip(),
      run: () => expectBundle(startJailed(at("bundle-hello"))),
    },
  ];
}

function tapChecks(at) {
  return [
    {
      name: "a bundle serves the page over a TAP",
      ...(isRoot ? {} : { skip: "making a TAP takes root" }),
      run: () => withTap(() => servesPage(at("bundle-nginx"))),
    },
    {
      name: "a published port serves the page over a TAP of wick's own, which goes",
      ...(isRoot ? {} : { skip: "making a TAP takes root" }),
      run: () => servesOverTap(at("nginx.cpio.gz")),
    },
    {
      name: "the same in wick's own jail, whose user the TAP is made for",
      ...(isDynamic() ? { skip: "this Firecracker is not static" } : jailerSkip()),
      run: () => servesOverTap(at("nginx.cpio.gz"), ["--jailer", "20001:20001"]),
    },
  ];
}

async function versionOf() {
  const { stdout } = await start(firecracker, ["--version"]).done;
  return stdout.split("\n", 1)[0];
}

function expectMachine(image, expected, options = []) {
  return expectRun(["--vmm", "firecracker", ...options, image], expected);
}

/** The same with `--metrics`: the lines that Firecracker wrote, the last one as it ended. */
async function expectMetrics(image, options, expected = { status: 7, text: "hello from" }) {
  const directory = temporaryDirectory();
  try {
    const file = join(directory.path, "metrics.jsonl");
    await expectMachine(image, expected, [...options, "--metrics", file]);
    const lines = readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const blocks = lines.reduce((sum, { block }) => sum + block.read_count, 0);
    if (blocks === 0) throw new Error(`no request of a drive in ${lines.length} lines`);
    return `${lines.length} lines of metrics, ${blocks} reads of drives`;
  } finally {
    directory.remove();
  }
}

function startBundle(directory, config) {
  return start(firecracker, ["--no-api", "--config-file", config], { cwd: directory });
}

/** init says the status on the console: Firecracker's own is 0. */
async function expectBundle({ child, done }) {
  let filters = "";
  // Firecracker puts its filters on before the guest says a word.
  child.stdout.on("data", () => (filters = filtersOf(child.pid) ?? filters));
  const { status, stdout, stderr } = await done;
  const said = ["hello from the bundle", "application exited with status 3"];
  if (status === 0 && said.every((text) => stdout.includes(text))) return filters;
  throw new Error(`it ended with ${status}\n${stdout}${stderr}`);
}

/** Releases filter their system calls, builds for glibc do not; undefined: it is gone. */
function filtersOf(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    return /^Seccomp:\s+2$/mu.test(status) ? "with seccomp filters" : "without seccomp filters";
  } catch {
    return undefined;
  }
}

function servesPage(directory) {
  return expectPage(startBundle(directory, "firecracker-net.json"), "http://172.16.0.42/");
}

async function servesOverTap(image, options = []) {
  const words = ["--vmm", "firecracker", "--network", "tap", ...options, "-p", "8080:80", image];
  await expectPage(startPatiently(words), "http://127.0.0.1:8080/");
  const left = await ip("-o", "link", "show");
  if (left.includes("wick-")) throw new Error(`it left a TAP:\n${left}`);
}

async function ip(...words) {
  const { status, stdout, stderr } = await start("ip", words).done;
  if (status !== 0) throw new Error(`ip ${words.join(" ")}: ${stderr}`);
  return stdout;
}

/** The three lines of the bundle's README. */
async function withTap(body) {
  await ip("tuntap", "add", "dev", "tap0", "mode", "tap");
  try {
    await ip("addr", "add", "172.16.0.1/24", "dev", "tap0");
    await ip("link", "set", "tap0", "up");
    return await body();
  } finally {
    await ip("tuntap", "del", "dev", "tap0", "mode", "tap");
  }
}

function jailerOf() {
  const beside = join(dirname(firecracker), "jailer");
  return existsSync(beside) ? beside : findProgram("jailer");
}

function jailerSkip() {
  if (!isRoot) return { skip: "the jailer takes root" };
  return jailerOf() === undefined ? { skip: "no jailer" } : {};
}

/** Whether it wants a dynamic linker, whose path stands in the ELF file's first page. */
function isDynamic() {
  return readFileSync(firecracker).subarray(0, 4096).includes("/ld-");
}

/** Nobody, in a directory that has the bundle and nothing else. */
function startJailed(bundle) {
  const base = temporaryDirectory();
  const jail = join(base.path, "firecracker", "lab", "root");
  mkdirSync(dirname(jail), { recursive: true });
  cpSync(bundle, jail, { recursive: true });
  copyLibraries(jail);
  const words = ["--id", "lab", "--exec-file", firecracker, "--uid", "65534", "--gid", "65534"];
  const inside = ["--no-api", "--config-file", "firecracker.json"];
  const jailed = start(jailerOf(), [...words, "--chroot-base-dir", base.path, "--", ...inside]);
  const done = jailed.done.finally(() => base.remove());
  return { ...jailed, done };
}

/** Releases are static; one that was built with glibc finds its libraries in the jail alone. */
function copyLibraries(jail) {
  const loader = "/lib64/ld-linux-x86-64.so.2";
  const libraries = ["libc.so.6", "libgcc_s.so.1"].map((name) => `/lib/x86_64-linux-gnu/${name}`);
  for (const path of [loader, ...libraries].filter(existsSync)) {
    cpSync(path, join(jail, path), { dereference: true });
  }
}

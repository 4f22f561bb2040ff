/** The lab: a machine with Node, QEMU, Firecracker where there is one, and a KVM that works. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { arch, forLab, lab } from "./platforms.mjs";
import { programsOfLab } from "./programs.mjs";
import { findProgram, root, startWick, wick, wickJson } from "./tools.mjs";

/** A machine in which machines run: each of those gets 256 MiB. */
const MEMORY = "1536m";

/**
 * Of several that QEMU 7.2 emulates one may go on with code that another one has changed
 * (docs/kvm.md). KVM changes the scheduler's with each machine: that stopped the lab at times.
 */
const CPUS = "1";

/** A check of ten boots, each some twenty times slower than on a board. */
const TIMEOUT_MS = 45 * 60_000;

/** The lab's own first program. */
const beginScript = (release) => `set -e
modules=/lib/modules/${release}/kernel
[ -d $modules ] || modules=/usr$modules
for module in ${lab.modules.join(" ")}; do
  /bin/busybox insmod $modules/$module.ko
done
# KVM says what it thinks of each guest: amid the checks' own lines.
/bin/busybox dmesg -n 1
mkdir -p /tmp
cd /tmp
exec /usr/bin/node /lab/scripts/lab/inside.mjs "$@"
`;

/** Runs the checks in the lab and shows what they say; the status of their process. */
export async function runInLab(directory, { suite, images, names, programs }) {
  const kernel = await kernelOfLab();
  const start = performance.now();
  const image = join(directory, "lab.ext4");
  await wick(["build", "-q", ...contents(directory, { suite, kernel, programs }), "-o", image]);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`The lab: ${kernel.package} on QEMU without KVM, built in ${seconds} s`);
  const shared = {
    "/lab/scripts": join(root, "scripts"),
    "/lab/dist": join(root, "dist"),
    "/lab/recipes": join(root, "recipes"),
    "/lab/package.json": join(root, "package.json"),
    "/images": images,
  };
  const folders = Object.entries(shared).flatMap(([to, from]) => ["-v", `${from}:${to}`]);
  const machine = [...forLab, "--accel", "tcg", "-m", MEMORY, "--cpus", CPUS];
  const words = ["run", "-q", ...machine, ...folders, image, "/begin.sh", suite, ...names];
  const started = startWick(words, { timeoutMs: TIMEOUT_MS, env: withKvmInQemu(directory) });
  started.child.stdout.pipe(process.stdout);
  started.child.stderr.pipe(process.stderr);
  const { status } = await started.done;
  return status ?? 1;
}

/** The kernel of the lab and of what runs in it: that of wick's cache. */
async function kernelOfLab() {
  await wick(["kernel", "import", ...forLab, "-o", "/dev/null"]).catch(() => undefined);
  const kernels = await wickJson(["kernel", "ls", "--json"]);
  const kernel = kernels.find((one) => one.arch === arch);
  if (kernel === undefined)
    throw new Error(`wick keeps no kernel for ${arch}: run a machine first`);
  return kernel;
}

/** The lab's root. */
function contents(directory, { suite, kernel, programs }) {
  const begin = join(directory, "begin.sh");
  writeFileSync(begin, beginScript(kernel.release));
  const cached = dirname(kernel.path);
  const added = {
    "/begin.sh": begin,
    "/etc/os-release": "/etc/os-release",
    [`/root/.cache/wick/kernels/${cached.split("/").at(-1)}`]: cached,
  };
  return [
    ...programsOfLab({ suite, packages: [kernel.package], programs }),
    ...Object.entries(added).flatMap(([to, from]) => ["--add", `${from}:${to}`]),
    "--entrypoint",
    JSON.stringify(["/bin/busybox", "sh"]),
  ];
}

/** The environment of a wick whose QEMU emulates what KVM takes. */
function withKvmInQemu(directory) {
  if (lab.machine === undefined) return process.env;
  const name = `qemu-system-${arch}`;
  const programs = join(directory, "bin");
  mkdirSync(programs);
  writeFileSync(
    join(programs, name),
    `#!/bin/sh\nexec ${findProgram(name)} "$@" -M ${lab.machine}\n`,
  );
  chmodSync(join(programs, name), 0o755);
  return { ...process.env, PATH: `${programs}:${process.env.PATH}` };
}

/** The lab: a machine with Node, QEMU, Firecracker where there is one, and a KVM that works. */
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { findProgram, root, startWick, wick, wickJson } from "./tools.mjs";

/** A machine in which machines run: each of those gets 256 MiB. */
const MEMORY = "1536m";

/** A check of ten boots, each some twenty times slower than on a board. */
const TIMEOUT_MS = 45 * 60_000;

/** What QEMU needs beside its libraries, where distributions put it. */
const QEMU_DATA = ["/usr/share/qemu", "/usr/share/seabios"];

/** The modules that make /dev/kvm and TAPs, in load order. */
const MODULES = [
  "virt/lib/irqbypass",
  "arch/x86/kvm/kvm",
  "arch/x86/kvm/kvm-amd",
  "drivers/net/tun",
];

/** The lab's own first program. */
const beginScript = (release) => `set -e
modules=/lib/modules/${release}/kernel
[ -d $modules ] || modules=/usr$modules
for module in ${MODULES.join(" ")}; do
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
  const kernel = await kernelOfHost();
  const start = performance.now();
  const image = join(directory, "lab.ext4");
  await wick(["build", "-q", ...contents(directory, { kernel, programs }), "-o", image]);
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
  const machine = ["--accel", "tcg", "-m", MEMORY, "--cpus", "2"];
  const words = ["run", "-q", ...machine, ...folders, image, "/begin.sh", suite, ...names];
  const lab = startWick(words, { timeoutMs: TIMEOUT_MS });
  lab.child.stdout.pipe(process.stdout);
  lab.child.stderr.pipe(process.stderr);
  const { status } = await lab.done;
  return status ?? 1;
}

/** The kernel of the lab and of what runs in it: that of wick's cache. */
async function kernelOfHost() {
  await wick(["kernel", "import", "-o", "/dev/null"]).catch(() => undefined);
  const kernels = await wickJson(["kernel", "ls", "--json"]);
  const kernel = kernels.find(({ arch }) => arch === "x86_64");
  if (kernel === undefined) throw new Error("wick keeps no kernel for x86_64: run a machine first");
  return kernel;
}

/** The lab's root: programs of this host with their libraries, and packages. */
function contents(directory, { kernel, programs }) {
  const begin = join(directory, "begin.sh");
  writeFileSync(begin, beginScript(kernel.release));
  const tools = ["qemu-system-x86_64", "flock", "setpriv", "lz4", "cp"].map(findProgram);
  const all = [...tools, ...programs].filter((path) => path !== undefined);
  const cached = dirname(kernel.path);
  const added = {
    "/begin.sh": begin,
    "/etc/os-release": "/etc/os-release",
    [`/root/.cache/wick/kernels/${cached.split("/").at(-1)}`]: cached,
    ...Object.fromEntries(QEMU_DATA.filter(existsSync).map((path) => [path, path])),
  };
  return [
    `bin:${process.execPath}`,
    ...all.flatMap((path) => ["--with", `bin:${path}`]),
    "--with",
    `deb:busybox-static,iproute2,${kernel.package}`,
    ...Object.entries(added).flatMap(([to, from]) => ["--add", `${from}:${to}`]),
    "--entrypoint",
    JSON.stringify(["/bin/busybox", "sh"]),
  ];
}

/** What is compared: nginx and the distribution's kernel, put together in several ways. */
import { execFileSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeCpio } from "../../dist/formats/cpio/index.js";
import { encodeRecords } from "../../dist/guest/index.js";
import { run as runMachine } from "../../dist/index.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const example = join(root, "examples", "nginx-single-file");

/** Of each architecture; the line is the same for all, so that only the way of packing differs, and nokaslr makes counts repeat. */
const TARGETS = {
  x86_64: {
    platform: "linux/amd64",
    compiler: "gcc",
    line: "console=ttyS0 quiet panic=-1 reboot=t no_timer_check nokaslr",
  },
  aarch64: {
    platform: "linux/arm64",
    compiler: "aarch64-linux-gnu-gcc",
    line: "console=ttyAMA0 quiet panic=-1 cma=0 nokaslr",
  },
};

const NETWORK = {
  addresses: [{ interface: "eth0", address: "10.0.2.15/24" }],
  gateway: "10.0.2.2",
};

/** What a machine is for: to serve, or to end itself at the moment up to which is counted. */
export const KINDS = ["serve", "init", "answer"];

function wick(directory, ...words) {
  return execFileSync(process.execPath, ["--", join(root, "dist/bin/wick.cjs"), ...words], {
    cwd: directory,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
}

function archive(path, files) {
  const node = { uid: 0, gid: 0, mtime: 0, kind: "file" };
  const entries = files.map(([name, mode, contents]) => ({
    ...node,
    path: Buffer.from(name),
    mode,
    contents,
  }));
  writeFileSync(path, encodeCpio(entries));
}

/** The program that ends a machine; see probe.c. */
function buildProbe(path, { compiler }) {
  const flags = "-Os -ffreestanding -nostdlib -static -fno-stack-protector -fno-pic -no-pie -s";
  const source = fileURLToPath(new URL("probe.c", import.meta.url));
  execFileSync(compiler, [...flags.split(" "), "-Wl,--build-id=none", "-o", path, source]);
  return execFileSync("cat", [path]);
}

/** The last archive of each kind: this run's records, and the probe where there is one. */
function writeLastArchives(directory, probe) {
  const program = ["probe", 0o755, probe];
  const asks = { argv: ["/probe", "/usr/sbin/nginx"], uid: 0, gid: 0 };
  const records = (more = {}) => [".wick/run.rec", 0o600, encodeRecords({ ...NETWORK, ...more })];
  archive(join(directory, "serve.cpio"), [records()]);
  archive(join(directory, "init.cpio"), [records(), program]);
  archive(join(directory, "answer.cpio"), [records(asks), program]);
}

const APPLICATION =
  "--entrypoint /usr/sbin/nginx --user nobody --expose 80 --stop-signal SIGQUIT".split(" ");

/** nginx, the list, the kernel in its forms and its modules. */
function buildParts(directory, arch) {
  const platform = ["--platform", TARGETS[arch].platform];
  execFileSync(join(example, "build-nginx.sh"), [arch, join(directory, "nginx")]);
  const list = [`list:${example}/initramfs_list`, "--list-var", `NGINX=${directory}/nginx`];
  const build = (...words) =>
    wick(directory, "build", "-q", ...platform, ...list, ...APPLICATION, ...words);
  build("-o", "app.cpio.gz");
  build("--size", "min", "--no-journal", "-o", "app.ext4");
  build("--add", "probe:/probe", "-o", "probe.ext4");
  wick(
    directory,
    "kernel",
    "import",
    "-q",
    ...platform,
    "-o",
    "plain",
    "--initramfs",
    "modules.cpio",
  );
  const kernels = wick(directory, "kernel", "ls", "--json").trim().split("\n").map(JSON.parse);
  const kernel = kernels.filter((one) => one.arch === arch).at(-1);
  return { asItIs: kernel.path, plain: join(directory, "plain"), release: kernel.release };
}

const lineOf = (kind, { line }) => (kind === "init" ? `${line} rdinit=/probe` : line);

/** One file, by form of its kernel; beside it the same initramfs alone. */
function packed(directory, target, { form, kernel }) {
  const of = (kind, name) => join(directory, `${kind}-${form}.${name}`);
  for (const kind of KINDS) {
    const parts = ["modules.cpio", "app.cpio.gz", `${kind}.cpio`];
    const file = of(kind, "packed");
    wick(directory, "pack", "-q", kernel, ...parts, "-o", file);
    wick(directory, "unpack", "-q", file, "--initramfs", of(kind, "initrd"));
  }
  const machine = (kind, files) => ({ ...files, drives: [], commandLine: lineOf(kind, target) });
  return [
    {
      name: `packed ${form}: one file`,
      files: [of("serve", "packed")],
      machine: (kind) => machine(kind, { kernel: of(kind, "packed") }),
    },
    {
      name: `${form} and initrd`,
      files: [kernel, of("serve", "initrd")],
      machine: (kind) => machine(kind, { kernel, initrd: of(kind, "initrd") }),
    },
  ];
}

/** The machine that `wick run` makes of a root file system; started once, to have its files. */
async function rootMachine(directory, target, kind) {
  const own = join(directory, `root-${kind}`);
  mkdirSync(own, { mode: 0o700 });
  const context = { environment: process.env, workingDirectory: directory, onEvent: () => {} };
  const asks = { command: ["/probe", "/usr/sbin/nginx"], entrypoint: "", user: "0:0" };
  const options = {
    source: join(directory, kind === "answer" ? "probe.ext4" : "app.ext4"),
    root: "ro",
    platform: target.platform,
    directory: own,
    ...(kind === "answer" ? asks : {}),
  };
  const machine = await runMachine(options, context);
  const { initrd, drives } = machine.spec;
  await machine[Symbol.asyncDispose]();
  if (kind === "init") {
    execFileSync("sh", ["-c", 'cat "$1" >> "$2"', "sh", join(directory, "init.cpio"), initrd]);
  }
  return { initrd, drives, commandLine: lineOf(kind, target) };
}

async function rootVariant(directory, target, { form, kernel }) {
  const machines = {};
  for (const kind of KINDS) {
    machines[kind] = { kernel, ...(await rootMachine(directory, target, kind)) };
  }
  return {
    name: `${form}, initrd and ext4`,
    files: [kernel, machines.serve.initrd, join(directory, "app.ext4")],
    machine: (kind) => machines[kind],
  };
}

/** The kernel's forms, the last one also with a root file system. */
function formsOf(arch, { plain, asItIs }) {
  if (arch === "aarch64") return [{ form: "Image", kernel: plain }];
  return [
    { form: "vmlinux", kernel: plain },
    { form: "bzImage", kernel: asItIs },
  ];
}

/** `{release, variants}`; a variant is `{name, bytes, machine(kind)}`. */
export async function buildVariants(directory, arch) {
  const target = TARGETS[arch];
  writeLastArchives(directory, buildProbe(join(directory, "probe"), target));
  const parts = buildParts(directory, arch);
  const forms = formsOf(arch, parts);
  const variants = [
    ...forms.flatMap((form) => packed(directory, target, form)),
    await rootVariant(directory, target, forms.at(-1)),
  ];
  const bytesOf = (files) => files.reduce((sum, path) => sum + statSync(path).size, 0);
  return {
    release: parts.release,
    variants: variants.map(({ files, ...rest }) => ({
      ...rest,
      bytes: bytesOf(files),
      machine: (kind) => ({ arch, ...rest.machine(kind) }),
    })),
  };
}

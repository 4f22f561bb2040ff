/** What is booted in the checks, made on this host: building in the lab would take minutes. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { compiler, forLab } from "./platforms.mjs";
import { root, wick } from "./tools.mjs";

const shell = (script) => [
  "deb:busybox-static",
  "--entrypoint",
  JSON.stringify(["/bin/busybox", "sh", "-c", script]),
];

/** Ends when less than 70 MB are free: a balloon has taken the rest. */
const untilShortOfMemory =
  "for i in $(seq 300); do " +
  "[ $(awk '/^MemAvailable/{print $2}' /proc/meminfo) -lt 70000 ] && echo hello from a balloon && exit 0; " +
  "sleep 0.1; done; exit 9";

/** Each file with its source and options; all of them end by themselves but nginx. */
const images = {
  kvm: {
    "seven.ext4": [...shell("echo hello from $(uname -r); exit 7"), "--size", "min"],
    "nginx.vmlinux": ["deb:nginx-light"],
  },
  firecracker: {
    "seven.ext4": [...shell("echo hello from $(uname -r); exit 7"), "--size", "min"],
    "zero.cpio.gz": shell("echo hello from $(uname -r)"),
    "killed.vmlinux": shell("echo hello from $(uname -r); kill -9 $$"),
    "nginx.cpio.gz": ["deb:nginx-light"],
    "short-of-memory.ext4": shell(untilShortOfMemory),
  },
};

/** Each bundle's directory with its source and options. */
const bundles = {
  kvm: {},
  firecracker: {
    "bundle-hello": shell("echo hello from the bundle; exit 3"),
    "bundle-nginx": ["deb:nginx-light", "--format", "kernel"],
  },
};

/** Makes all of them in `directory`. */
export async function makeImages(directory, suite) {
  mkdirSync(directory);
  if (suite === "firecracker") await makeServer(directory);
  for (const [name, words] of Object.entries(images[suite])) {
    await wick(["build", "-q", ...forLab, ...words, "-o", join(directory, name)]);
  }
  for (const [name, words] of Object.entries(bundles[suite])) {
    await wick(["build", "-q", ...forLab, ...words, "--bundle", join(directory, name)]);
  }
  return directory;
}

/** The server that test/boot/relay.test.ts asks, too. */
async function makeServer(directory) {
  const program = join(directory, "relay-server");
  const source = join(root, "test/support/guest/relay-server.c");
  execFileSync(compiler, ["-static", "-Os", "-s", "-o", program, source]);
  const options = ["--size", "min", "-o", join(directory, "relay.ext4")];
  await wick(["build", "-q", ...forLab, ...options, `bin:${program}`]);
}

/** The lab's architecture: this host's own, or the other one, which WICK_LAB_ARCH names. */

/** What makes /dev/kvm and TAPs in the lab: modules in load order, and words for QEMU's -M. */
const platforms = {
  x86_64: {
    platform: "linux/amd64",
    modules: ["virt/lib/irqbypass", "arch/x86/kvm/kvm", "arch/x86/kvm/kvm-amd", "drivers/net/tun"],
  },
  aarch64: {
    platform: "linux/arm64",
    modules: ["drivers/net/tun"],
    machine: "virtualization=on,gic-version=3",
  },
};

const hostArch = { x64: "x86_64", arm64: "aarch64" }[process.arch];

export const arch = process.env.WICK_LAB_ARCH || hostArch;
export const isForeign = arch !== hostArch;

if (!Object.hasOwn(platforms, arch)) {
  console.error(`WICK_LAB_ARCH is ${arch}, wanted ${Object.keys(platforms).join(" or ")}`);
  process.exit(2);
}

export const lab = platforms[arch];

/** Options of `wick build` for what runs in the lab. */
export const forLab = ["--platform", lab.platform];

/** The C compiler for what runs in the lab: of the other architecture Debian's cross compiler. */
export const compiler = isForeign ? `${arch}-linux-gnu-gcc` : "cc";

import { parsePublishedAll } from "../../application/index.ts";
import { type PortForward, qemu, shellLine } from "../../vmm/index.ts";
import { type BundleMachine, lineOf } from "./machine.ts";

/** The guest in QEMU's user network. */
const ADDRESS = "ip=10.0.2.15::10.0.2.2:255.255.255.0::eth0:off";

/** Ports below this are root's on most hosts. */
const FIRST_FREE_PORT = 1024;
const MOVED_BY = 8000;

/**
 * How QEMU publishes the ports that an image exposes (`80/tcp`): on the same number, and those
 * that only root may take 8000 higher, which makes 8080 of 80. SCTP is carried by no user network.
 */
export function publishedFor(exposed: readonly string[]): PortForward[] {
  const taken = new Set<string>();
  const keys = exposed.filter((key) => !key.endsWith("/sctp"));
  return parsePublishedAll(keys).map(({ protocol, guestPort }) => {
    let hostPort = guestPort < FIRST_FREE_PORT ? guestPort + MOVED_BY : guestPort;
    while (taken.has(`${hostPort}/${protocol}`)) hostPort++;
    taken.add(`${hostPort}/${protocol}`);
    return { protocol, hostAddress: "127.0.0.1", hostPort, guestPort };
  });
}

/** The script: the plain line, with its accelerator to be chosen and room for more options. */
export function qemuScript(machine: BundleMachine): string {
  const { arch, kernel, initrd, root, memoryMiB, cpus, ports, hasNetwork } = machine;
  const words = qemu().commandByHand({
    arch,
    kernel,
    ...(initrd === undefined ? {} : { initrd }),
    commandLine: lineOf(machine, qemu().kernelWords(arch), hasNetwork ? [ADDRESS] : []),
    memoryMiB,
    cpus,
    drives: root === undefined ? [] : [{ path: root, readOnly: true }],
    ports,
    relay: false,
    network: hasNetwork ? "user" : "none",
    accel: "tcg",
    directory: "/",
  });
  return [
    "#!/bin/sh",
    "# Boots this bundle on QEMU; ACCEL=kvm ./run-qemu.sh where KVM runs guests.",
    'cd "$(dirname "$0")" || exit 1',
    ...choice(words),
    "",
  ].join("\n");
}

/** KVM gives the host's own processor: it refuses the models that TCG emulates. */
function choice(words: readonly string[]): string[] {
  const at = words.indexOf("-accel") + 1;
  const cpu = words.indexOf("-cpu") + 1;
  const model = shellLine(words.slice(cpu, cpu + 1));
  const [before, between, after] = [
    words.slice(0, at),
    words.slice(at + 1, cpu),
    words.slice(cpu + 1),
  ].map(shellLine);
  return [
    `case "\${ACCEL:=tcg}" in kvm*) cpu=host ;; *) cpu=${model} ;; esac`,
    `exec ${before} "$ACCEL" ${between} "$cpu" ${after} "$@"`,
  ];
}

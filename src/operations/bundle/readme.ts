import { TAP } from "./firecracker.ts";
import { FIRECRACKER, FIRECRACKER_NET, MANIFEST, QEMU } from "./layout.ts";
import type { BundleMachine } from "./machine.ts";

/** What to type, for whoever finds the bundle on a board. */
export function readmeText(machine: BundleMachine): string {
  return [
    `# A microVM for ${machine.arch}`,
    `${filesText(machine)} Nothing else is needed, and nothing here is changed by running: what the machine writes is in its memory and gone with it.`,
    `The files are as they were made when this says so:\n\n${code(CHECK)}`,
    "## Firecracker",
    `It needs /dev/kvm. Paths in its configuration start where Firecracker is started:\n\n${code(`firecracker --no-api --config-file ${FIRECRACKER}`)}`,
    "The terminal shows the machine's console. When the application ends the machine does, and Firecracker with the status 0, whatever that of the application was.",
    ...networkText(machine),
    "## QEMU",
    qemuText(machine),
    "",
  ].join("\n\n");
}

const CHECK = `jq -r '.files[] | "\\(.sha256)  \\(.path)"' ${MANIFEST} | sha256sum -c`;

function filesText({ kernel, initrd, root }: BundleMachine): string {
  if (initrd === undefined) return `\`${kernel}\` is a kernel with the application in it.`;
  if (root === undefined) {
    return `\`${kernel}\` is the kernel, \`${initrd}\` holds the application and the modules that its devices need.`;
  }
  return `\`${kernel}\` is the kernel, \`${root}\` the root file system with the application, \`${initrd}\` holds what finds and mounts it.`;
}

function networkText({ hasNetwork, ports }: BundleMachine): string[] {
  if (!hasNetwork) return ["The machine has no network: its kernel cannot set one up by itself."];
  const tcp = ports.filter(({ protocol }) => protocol === "tcp");
  const [first] = tcp;
  const port = first?.guestPort === 80 ? "" : `:${first?.guestPort}`;
  const url = first === undefined ? undefined : `http://${TAP.guest}${port}/`;
  return [
    `With a network, over a TAP of the host's (behind \`user\` stands who may use it):\n\n${code(tapLines(url))}`,
    `The machine's address is set by \`ip=\` in \`boot_args\`. To let it reach more than the host, switch on forwarding and give it the host's address:\n\n${code(NAT)}`,
  ];
}

/** With a page to look at where the application says that it listens. */
function tapLines(url: string | undefined): string {
  return [
    `sudo ip tuntap add dev ${TAP.device} mode tap user "$USER"`,
    `sudo ip addr add ${TAP.host}/${TAP.prefix} dev ${TAP.device}`,
    `sudo ip link set ${TAP.device} up`,
    `firecracker --no-api --config-file ${FIRECRACKER_NET}`,
    ...(url === undefined ? [] : [`curl ${url}`]),
  ].join("\n");
}

const NAT = [
  "sudo sysctl -w net.ipv4.ip_forward=1",
  `sudo iptables -t nat -A POSTROUTING -s ${TAP.guest} -j MASQUERADE`,
].join("\n");

function qemuText({ ports, hasNetwork }: BundleMachine): string {
  const lines = hasNetwork
    ? ports.map(
        ({ protocol, hostAddress, hostPort, guestPort }) =>
          `\n- ${protocol} ${hostAddress}:${hostPort} is port ${guestPort} of the machine`,
      )
    : [];
  const told = lines.length === 0 ? "" : `\n\nThe script publishes:\n${lines.join("")}`;
  return `Anywhere, also without KVM; \`ACCEL=kvm\` before it where KVM runs guests. More options of QEMU's may follow.\n\n${code(`./${QEMU}`)}${told}`;
}

function code(text: string): string {
  return `    ${text.replaceAll("\n", "\n    ")}`;
}

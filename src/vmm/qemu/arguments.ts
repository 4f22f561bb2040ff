import type { Drive, MachineSpec, PortForward, TapCard } from "../vmm.ts";
import { platformOf, type Platform } from "./platform.ts";

/** Sockets on which we await QEMU; absolute paths. */
export interface QemuSockets {
  readonly qmp: string;
  readonly console: string;
  readonly channel: string;
  readonly relay?: string;
}

/** The names under which the guest finds its byte streams to us. */
const PORT_NAMES = { channel: "wick.0", relay: "wick.1" } as const;

/**
 * No new programs, no other user, no other scheduling and none of the old system calls: what
 * is left of a QEMU that a guest has taken over.
 */
const SANDBOX = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/**
 * QEMU's arguments for `spec`: paused until told to go on, ruled over QMP alone, with no
 * terminal and no monitor on one. Paths stand in JSON, or where QEMU knows none (chardevs
 * before QEMU 10) with doubled commas, so that a path is only ever a path.
 */
export function qemuArguments(spec: MachineSpec, sockets: QemuSockets): string[] {
  const platform = platformOf(spec);
  return [
    ...machineArguments(spec, platform),
    "-S",
    ...option("-sandbox", SANDBOX),
    ...chardev("qmp", sockets.qmp),
    ...option("-mon", "chardev=qmp,mode=control"),
    ...chardev("console", sockets.console),
    ...option("-serial", "chardev:console"),
    ...streamArguments(sockets, platform),
    ...spec.drives.flatMap((drive, index) => driveArguments(drive, index, platform)),
    ...networkArguments(spec, platform),
    ...json("-device", { driver: `virtio-rng-${platform.bus}`, id: "rng0" }),
    ...balloonArguments(spec, platform),
  ];
}

/**
 * The line that boots the same files by hand, for people to read and change: the console on
 * the terminal, neither QMP nor channel (init runs without it). One word an element.
 */
export function commandByHand(spec: MachineSpec): string[] {
  const platform = platformOf(spec);
  return [
    platform.program,
    ...machineArguments(spec, platform),
    ...spec.drives.flatMap(({ path, readOnly }, index) => [
      ...option(
        "-drive",
        `id=drive${index},file=${escapeCommas(path)},format=raw,if=none${readOnly ? ",readonly=on" : ""}`,
      ),
      ...option("-device", `virtio-blk-${platform.bus},drive=drive${index}`),
    ]),
    ...networkByHand(spec, platform),
    ...option("-device", `virtio-rng-${platform.bus}`),
    ...option("-serial", "stdio"),
  ];
}

/** How much it takes is said over QMP ({@link startQemu}). */
function balloonArguments({ reservationMiB }: MachineSpec, { bus }: Platform): string[] {
  if (reservationMiB === undefined) return [];
  const device = { driver: `virtio-balloon-${bus}`, id: "balloon0" };
  // What the guest frees, the host gets back at once.
  return json("-device", { ...device, "deflate-on-oom": true, "free-page-reporting": true });
}

function networkByHand({ network, ports }: MachineSpec, { bus }: Platform): string[] {
  if (network === "none") return [];
  const mac = network === "user" ? "" : `,mac=${network.mac}`;
  return [
    ...option("-netdev", netdev(network, ports)),
    ...option("-device", `virtio-net-${bus},netdev=net0${mac}`),
  ];
}

function machineArguments(spec: MachineSpec, platform: Platform): string[] {
  return [
    ...option("-M", platform.machine),
    ...option("-accel", spec.accel),
    ...option("-cpu", platform.cpu),
    ...option("-m", `${spec.memoryMiB}M`),
    ...option("-smp", String(spec.cpus)),
    "-nodefaults",
    "-no-user-config",
    ...option("-display", "none"),
    "-no-reboot",
    ...option("-kernel", spec.kernel),
    ...(spec.initrd === undefined ? [] : ["-initrd", spec.initrd]),
    ...option("-append", spec.commandLine),
  ];
}

function streamArguments({ channel, relay }: QemuSockets, { bus }: Platform): string[] {
  return [
    // Port 0 is kept for a console by the device itself.
    ...json("-device", { driver: `virtio-serial-${bus}`, id: "serial0", max_ports: 3 }),
    ...portArguments("channel", channel),
    ...(relay === undefined ? [] : portArguments("relay", relay)),
  ];
}

function portArguments(id: keyof typeof PORT_NAMES, socket: string): string[] {
  const port = { driver: "virtserialport", bus: "serial0.0", chardev: id, name: PORT_NAMES[id] };
  return [...chardev(id, socket), ...json("-device", port)];
}

/** Raw, always said: else QEMU would believe a header that a guest wrote (G14). */
function driveArguments(drive: Drive, index: number, { bus }: Platform): string[] {
  const node = `drive${index}`;
  return [
    ...json("-blockdev", {
      driver: "raw",
      "node-name": node,
      "read-only": drive.readOnly,
      ...(drive.readOnly ? {} : { discard: "unmap" }), // what the guest frees, the host gets back
      file: { driver: "file", filename: drive.path },
    }),
    ...json("-device", { driver: `virtio-blk-${bus}`, id: `blk${index}`, drive: node }),
  ];
}

function networkArguments(spec: MachineSpec, { bus }: Platform): string[] {
  if (spec.network === "none") return [];
  const mac = spec.network === "user" ? {} : { mac: spec.network.mac };
  const device = { driver: `virtio-net-${bus}`, id: "nic0", netdev: "net0", ...mac };
  return [
    ...option("-netdev", netdev(spec.network, spec.ports)),
    // No boot ROM: this machine never boots from its network.
    ...json("-device", bus === "pci" ? { ...device, romfile: "" } : device),
  ];
}

/** Holds numbers and checked addresses only, so the plain form is safe; JSON came late (7.2). */
function netdev(network: "user" | TapCard, ports: readonly PortForward[]): string {
  if (network !== "user") {
    // No scripts: the TAP is ready, and the sandbox starts no programs.
    return `tap,id=net0,ifname=${escapeCommas(network.device)},script=no,downscript=no`;
  }
  const forwards = ports.map(
    ({ protocol, hostAddress, hostPort, guestPort }) =>
      `,hostfwd=${protocol}:${hostAddress}:${hostPort}-:${guestPort}`,
  );
  return `user,id=net0${forwards.join("")}`;
}

function chardev(id: string, path: string): string[] {
  return ["-chardev", `socket,id=${id},path=${escapeCommas(path)},server=off`];
}

/** QEMU's own escape inside `key=value,…`; `=` needs none after the first. */
function escapeCommas(value: string): string {
  return value.replaceAll(",", ",,");
}

function json(name: string, value: object): string[] {
  return [name, JSON.stringify(value)];
}

function option(name: string, value: string): string[] {
  return [name, value];
}

import { sanitise, utf8 } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { statOf } from "../../host/index.ts";
import { checkSpec } from "../check-spec.ts";
import type { MachineSpec } from "../vmm.ts";

/** CMDLINE_MAX_SIZE, on both architectures: what Firecracker adds counts, and the NUL. */
const COMMAND_LINE_BYTES = 2048;

const CPUS_MOST = 32;

const SECTOR_BYTES = 512;

/** What Firecracker puts behind our words; addresses and interrupts at their longest. */
const ADDED = {
  always: " pci=off",
  x86_64: { once: "", device: " virtio_mmio.device=4K@0xc0001000:23" },
  aarch64: { once: " earlycon=uart,mmio,0x40003000", device: "" },
} as const;

/** The vsock and the entropy device. */
const OTHER_DEVICES = 2;

/** Fails unless Firecracker can be handed `spec`: before anything is started. */
export function checkFirecrackerSpec(spec: MachineSpec): void {
  checkSpec(spec);
  if (spec.accel === "tcg") throw needsKvm();
  if (spec.cpus > CPUS_MOST) {
    throw new WickError(
      "VALUE_OUT_OF_RANGE",
      `Cannot start the machine with Firecracker: ${spec.cpus} CPUs, wanted at most ${CPUS_MOST}`,
    );
  }
  if (spec.network === "user" || spec.ports.length > 0) throw noUserNetwork();
  checkLine(spec);
  for (const { path } of spec.drives) checkSectors(path);
}

function needsKvm(): WickError {
  return new WickError(
    "USAGE",
    "Cannot start the machine with Firecracker under TCG: it needs KVM",
    {
      hint: "--vmm qemu runs without KVM",
    },
  );
}

function noUserNetwork(): WickError {
  return new WickError(
    "USAGE",
    "Cannot start the machine with Firecracker: it has no user network, ports are relayed by init",
    { hint: "use --network relay, or tap" },
  );
}

function checkLine(spec: MachineSpec): void {
  const added = addedBytes(spec);
  const bytes = utf8(spec.commandLine).length;
  if (bytes + added < COMMAND_LINE_BYTES) return;
  throw new WickError(
    "VALUE_OUT_OF_RANGE",
    `Cannot start the machine: the kernel command line has ${bytes} bytes and Firecracker adds ${added}, wanted at most ${COMMAND_LINE_BYTES - 1} together`,
    { hint: "shorten --append" },
  );
}

/** How many bytes Firecracker itself adds to the kernel's command line. */
export function addedBytes({
  arch,
  drives,
  network,
}: Pick<MachineSpec, "arch" | "drives" | "network">): number {
  const { once, device } = ADDED[arch];
  const cards = typeof network === "string" ? 0 : 1;
  const devices = drives.length + cards + OTHER_DEVICES;
  return ADDED.always.length + once.length + devices * device.length;
}

/** Firecracker cuts a file down to whole sectors with a warning in its log alone. */
function checkSectors(path: string): void {
  const size = statOf(path)?.size ?? 0;
  if (size % SECTOR_BYTES === 0 && size > 0) return;
  throw new WickError(
    "IMAGE_INVALID",
    `Cannot start the machine: the drive ${sanitise(path)} has ${size} bytes, and Firecracker would cut it to whole sectors of ${SECTOR_BYTES}`,
    { hint: `truncate -s %${SECTOR_BYTES} FILE fills it up with zeros` },
  );
}

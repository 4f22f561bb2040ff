import { isAbsolute } from "node:path";
import { display, sanitise, utf8 } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";
import { isIpv4Address, statOf } from "../host/index.ts";
import type { MachineSpec, PortForward } from "./vmm.ts";

/** COMMAND_LINE_SIZE of Linux on x86_64 and aarch64, the ending NUL included: it cuts in silence. */
const COMMAND_LINE_BYTES = 2048;

const MEMORY_MIB = { least: 8, most: 1 << 20 } as const;
const CPUS = { least: 1, most: 255 } as const;
const PORTS = { least: 1, most: 65535 } as const;

/** Fails unless `spec` can be handed to a VMM: before anything is started or listened on. */
export function checkSpec(spec: MachineSpec): void {
  checkRange("memory in MiB", spec.memoryMiB, MEMORY_MIB);
  checkRange("number of CPUs", spec.cpus, CPUS);
  checkCommandLine(spec.commandLine);
  checkFile("kernel", spec.kernel);
  if (spec.initrd !== undefined) checkFile("initrd", spec.initrd);
  for (const { path } of spec.drives) checkFile("drive", path);
  for (const port of spec.ports) checkPort(port);
  if (spec.ports.length > 0 && spec.network === "none") {
    throw new WickError("USAGE", "Cannot publish ports: the machine has no network", {
      hint: "publish no ports, or give the machine its user network",
    });
  }
}

function checkRange(what: string, value: number, range: { least: number; most: number }): void {
  if (Number.isInteger(value) && value >= range.least && value <= range.most) return;
  throw new WickError(
    "VALUE_OUT_OF_RANGE",
    `Cannot start the machine: ${what} is ${value}, wanted a whole number from ${range.least} to ${range.most}`,
  );
}

function checkCommandLine(commandLine: string): void {
  const bytes = utf8(commandLine);
  if (bytes.some((byte) => byte < 0x20 || byte === 0x7f)) {
    throw new WickError(
      "VALUE_OUT_OF_RANGE",
      `Cannot start the machine: the kernel command line "${display(bytes)}" holds control characters`,
    );
  }
  if (bytes.length >= COMMAND_LINE_BYTES) {
    throw new WickError(
      "VALUE_OUT_OF_RANGE",
      `Cannot start the machine: the kernel command line has ${bytes.length} bytes, wanted at most ${COMMAND_LINE_BYTES - 1}`,
    );
  }
}

/** Only regular files: a FIFO or device would hang, or be shared with the host. */
function checkFile(what: string, path: string): void {
  const action = `Cannot start the machine: the ${what} ${sanitise(path)}`;
  if (!isAbsolute(path) || path.includes("\0")) {
    throw new WickError("USAGE", `${action} is no absolute path`);
  }
  const stats = statOf(path);
  if (stats === undefined) throw new WickError("SOURCE_NOT_FOUND", `${action} does not exist`);
  if (!stats.isFile()) throw new WickError("USAGE", `${action} is no regular file`);
}

function checkPort({ hostAddress, hostPort, guestPort }: PortForward): void {
  checkRange("a published port of the guest", guestPort, PORTS);
  checkRange("a port of the host", hostPort, { least: 0, most: PORTS.most });
  if (isIpv4Address(hostAddress)) return;
  throw new WickError(
    "USAGE",
    `Cannot publish port ${guestPort} on "${sanitise(hostAddress)}": wanted an IPv4 address such as 127.0.0.1`,
  );
}

import { sanitise } from "../../bytes/index.ts";
import { WickError } from "../../errors/index.ts";
import { findProgram, runTool } from "../../host/index.ts";

const PURPOSE = "start the machine with Firecracker";

/** Releases, oldest first, and what they brought (Firecracker's CHANGELOG) or take. */
const OLDEST = "1.7";
/** Before it the guest learns of its devices by the command line alone: no ACPI tables. */
const WITH_ACPI = "1.8";

/** The program: `given`, else `firecracker` from PATH. TOOL_MISSING. */
export function firecrackerProgram(given: string | undefined): string {
  const found = findProgram(given ?? "firecracker");
  if (found !== undefined) return found;
  const what =
    given === undefined
      ? "the program firecracker is not installed"
      : `${sanitise(given)} is no program`;
  throw new WickError("TOOL_MISSING", `Cannot ${PURPOSE}: ${what}`, {
    hint: "put a release from https://github.com/firecracker-microvm/firecracker/releases into PATH, or name it with WICK_FIRECRACKER",
  });
}

/** The version that `firecracker --version` tells: `1.16.1`. */
export async function firecrackerVersion(program: string): Promise<string> {
  const text = await runTool(program, ["--version"], { purpose: PURPOSE });
  const version = /^Firecracker v(\d+\.\d+(?:\.\d+)?\S*)/m.exec(text)?.[1];
  if (version === undefined) throw unknownVersion(program, text);
  return version;
}

function unknownVersion(program: string, text: string): WickError {
  const firstLine = sanitise(text.split("\n")[0]!.slice(0, 200));
  return new WickError(
    "TOOL_FAILED",
    `Cannot tell the version of ${sanitise(program)}: it says "${firstLine}", wanted Firecracker vX.Y.Z`,
  );
}

/** Fails for a release that wick cannot drive. UNSUPPORTED. */
export function checkVersion(version: string): void {
  if (!isBefore(version, OLDEST)) return;
  throw new WickError(
    "UNSUPPORTED",
    `Cannot ${PURPOSE}: this is ${sanitise(version)}, wanted ${OLDEST} or newer`,
    { hint: "put a newer release into PATH, or name it with WICK_FIRECRACKER" },
  );
}

/** What the user should know of a release that wick drives; undefined: nothing. */
export function adviceOn(version: string): string | undefined {
  if (!isBefore(version, WITH_ACPI)) return undefined;
  return `Firecracker ${sanitise(version)} has no ACPI tables: only kernels with CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES find its devices, distributions' do not; ${WITH_ACPI} or newer boots them`;
}

/** Compares major and minor numbers alone: `1.17.0-dev` is 1.17. */
export function isBefore(version: string, release: string): boolean {
  const [major, minor] = numbers(version);
  const [otherMajor, otherMinor] = numbers(release);
  return major === otherMajor ? minor < otherMinor : major < otherMajor;
}

function numbers(version: string): readonly [number, number] {
  const [major = "0", minor = "0"] = version.split(".");
  return [Number.parseInt(major, 10), Number.parseInt(minor, 10)];
}

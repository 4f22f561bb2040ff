import { readSmallFile, statOf } from "../../host/index.ts";
import { qemu } from "../../vmm/index.ts";
import { libslirpFaults } from "./known-bad.ts";
import type { DoctorInput, DoctorLine } from "./line.ts";
import { programLine } from "./program-line.ts";

const packages = { x86_64: "qemu-system-x86", aarch64: "qemu-system-arm" } as const;
const platforms = { x86_64: "linux/amd64", aarch64: "linux/arm64" } as const;

/** QEMU for this architecture and the other, and the library that is its network. */
export async function checkQemu({ arch }: DoctorInput): Promise<DoctorLine[]> {
  const other = arch === "x86_64" ? "aarch64" : "x86_64";
  return [
    await qemuLine(arch, { isNeeded: true, purpose: "runs machines" }),
    await libslirpLine(),
    await qemuLine(other, { isNeeded: false, purpose: `emulates machines of ${platforms[other]}` }),
  ];
}

function qemuLine(
  arch: DoctorInput["arch"],
  what: Pick<DoctorLine, "isNeeded" | "purpose">,
): Promise<DoctorLine> {
  return programLine({
    ...what,
    check: `qemu-system-${arch}`,
    version: () => qemu().version(arch),
    hint: `apt-get install ${packages[arch]}`,
  });
}

/** Where distributions have it. */
const LIBRARIES = [
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/usr/lib64",
  "/usr/lib",
  "/usr/local/lib",
];

function libslirpLine(): Promise<DoctorLine> {
  return programLine({
    check: "libslirp",
    purpose: "QEMU's --network user",
    isNeeded: false,
    version: () => Promise.resolve(libslirpVersion()),
    faults: libslirpFaults,
    hint: "a QEMU that brings it inside does not tell which it is; 4.9.2 or newer is wanted",
  });
}

/** The text that slirp_version_string() gives, the only one of its form in the library. */
function libslirpVersion(): string {
  const path = LIBRARIES.map((directory) => `${directory}/libslirp.so.0`).find(
    (one) => statOf(one)?.isFile() === true,
  );
  const text = path === undefined ? "" : Buffer.from(readSmallFile(path)).toString("latin1");
  const version = /\0(4\.\d{1,3}\.\d{1,3})\0/.exec(text)?.[1];
  return version ?? "of unknown version";
}

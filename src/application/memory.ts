import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";

const MIB = 1024 ** 2;

/** Less does not start the smallest kernel with an init. */
const MEMORY_MIN_MIB = 16;
/** 16 TiB: beyond any machine that QEMU emulates. */
const MEMORY_MAX_MIB = 16 * MIB;
/** As many as QEMU's q35 takes (288 with x2APIC, 255 without). */
const CPUS_MAX = 255;

const powers: Readonly<Record<string, number>> = { "": 0, k: 1, m: 2, g: 3, t: 4 };

/**
 * A size in bytes: `65536`, `512k`, `1.5g`, `64Ki`, `128MiB`, `2 GB`; all units are binary, as in
 * Docker. USAGE naming `what` otherwise. Fractions of a byte are rounded up.
 */
export function parseSize(text: string, what: string): number {
  const match = /^(\d{1,16}(?:\.\d{1,9})?) ?(?:([kmgt])(?:i?b|i)?|b)?$/i.exec(text.trim());
  const bytes =
    match && Math.ceil(Number(match[1]) * 1024 ** powers[(match[2] ?? "").toLowerCase()]!);
  if (bytes === null || !Number.isSafeInteger(bytes)) {
    throw new WickError(
      "USAGE",
      `Cannot use "${sanitise(text)}" as ${what}: it is not a size, wanted a number with k, m, g or t`,
    );
  }
  return bytes;
}

/** `--memory` in MiB, rounded up; USAGE with the limits otherwise. */
export function parseMemory(text: string): number {
  const bytes = parseSize(text, "memory");
  const mib = Math.ceil(bytes / MIB);
  if (mib >= MEMORY_MIN_MIB && mib <= MEMORY_MAX_MIB) return mib;
  throw new WickError(
    "USAGE",
    `Cannot give the machine ${bytes} bytes of memory ("${sanitise(text)}"): wanted ${MEMORY_MIN_MIB} MiB to 16 TiB`,
    { hint: "a number without a unit counts bytes, as in Docker: 256m is 256 MiB" },
  );
}

/** `--cpus`: a whole number; a fraction of a CPU cannot be given to a machine. */
export function parseCpus(text: string): number {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= CPUS_MAX) return count;
  throw new WickError(
    "USAGE",
    `Cannot give the machine "${sanitise(text)}" CPUs: wanted a whole number from 1 to ${CPUS_MAX}`,
  );
}

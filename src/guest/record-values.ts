import { sanitise } from "../bytes/index.ts";
import { WickError } from "../errors/index.ts";

function refused(what: string, is: string, wanted: string): WickError {
  return new WickError(
    "CONFIG_INVALID",
    `Cannot use ${what} "${sanitise(is)}": not of its form, wanted ${wanted}`,
  );
}

/** `a.b.c.d` as four bytes in network order; no leading zeros, which some read as octal. */
export function parseIpv4(address: string): Uint8Array<ArrayBuffer> {
  const parts = address.split(".");
  const good = parts.length === 4 && parts.every((p) => /^(0|[1-9]\d{0,2})$/u.test(p));
  const bytes = parts.map(Number);
  if (!good || bytes.some((b) => b > 255)) throw refused("the address", address, "a.b.c.d");
  return Uint8Array.from(bytes);
}

/** `a.b.c.d/n`. */
export function parsePrefix(address: string): { ipv4: Uint8Array<ArrayBuffer>; prefix: number } {
  const match = /^([\d.]+)\/(\d{1,2})$/u.exec(address);
  const prefix = Number(match?.[2]);
  if (match === null || prefix > 32) throw refused("the address", address, "a.b.c.d/n");
  return { ipv4: parseIpv4(match[1]!), prefix };
}

/** The source of a mount that comes from the drive whose file system has `uuid`: its `/name`. */
export function driveSource(uuid: string, name: string): string {
  return `UUID=${uuid}/${name}`;
}

export function formatIpv4(bytes: Uint8Array): string {
  return bytes.join(".");
}

/** 8-4-4-4-12 hex digits as 16 bytes, in the order in which they are written. */
export function parseUuid(uuid: string): Uint8Array<ArrayBuffer> {
  if (!/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/iu.test(uuid)) {
    throw refused("the file-system UUID", uuid, "8-4-4-4-12 hex digits");
  }
  const digits = uuid.replaceAll("-", "");
  return Uint8Array.from({ length: 16 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

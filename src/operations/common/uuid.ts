import { createHash } from "node:crypto";

/**
 * A UUID that follows from `parts` (RFC 9562, version 8: the bits are ours): the same input
 * gives the same image.
 */
export function uuidFrom(...parts: readonly string[]): Uint8Array {
  const hash = createHash("sha256");
  // The length before each part keeps ("ab", "c") and ("a", "bc") apart.
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part}`);
  const uuid = new Uint8Array(hash.digest().subarray(0, 16));
  uuid[6] = (uuid[6]! & 0x0f) | 0x80;
  uuid[8] = (uuid[8]! & 0x3f) | 0x80;
  return uuid;
}

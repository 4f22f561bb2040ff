/** A UUID's 16 bytes as 8-4-4-4-12 hex digits (RFC 9562, 4), in the order of the bytes. */
export function uuidText(uuid: Uint8Array): string {
  const hex = Array.from(uuid, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
